CREATE TABLE "footprints" (
	"checkpoint_id" bigint PRIMARY KEY NOT NULL,
	"at_once" integer NOT NULL,
	"rounds" jsonb NOT NULL,
	"parameters" bigint,
	"weight_bytes" bigint,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "footprints" ADD CONSTRAINT "footprints_checkpoint_id_checkpoints_id_fk" FOREIGN KEY ("checkpoint_id") REFERENCES "public"."checkpoints"("id") ON DELETE no action ON UPDATE no action;