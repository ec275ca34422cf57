CREATE TABLE "adjustments" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "adjustments_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"run_id" text NOT NULL,
	"key" text NOT NULL,
	"kind" text NOT NULL,
	"cause" text NOT NULL,
	"reason" text NOT NULL,
	"from_iteration" integer NOT NULL,
	"until_iteration" integer,
	"overrides" jsonb NOT NULL,
	"checkpoint_id" bigint,
	"numbers" jsonb NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "adjustments_run_id_key_unique" UNIQUE("run_id","key")
);
--> statement-breakpoint
CREATE TABLE "messages" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "messages_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"run_id" text NOT NULL,
	"message_id" text NOT NULL,
	"name" text NOT NULL,
	"args" jsonb NOT NULL,
	"origin" text NOT NULL,
	"accepted" boolean NOT NULL,
	"answer" text NOT NULL,
	"iteration_index" integer NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "messages_run_id_message_id_unique" UNIQUE("run_id","message_id")
);
--> statement-breakpoint
CREATE TABLE "reservations" (
	"run_id" text NOT NULL,
	"key" text NOT NULL,
	"iteration_id" bigint,
	"tokens" double precision NOT NULL,
	"cost" double precision NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "reservations_run_id_key_pk" PRIMARY KEY("run_id","key")
);
--> statement-breakpoint
ALTER TABLE "critiques" ADD COLUMN "cache_key" text;--> statement-breakpoint
ALTER TABLE "critiques" ADD COLUMN "cached" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "runs" ADD COLUMN "schedule_id" text;--> statement-breakpoint
ALTER TABLE "runs" ADD COLUMN "scheduled_for" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "runs" ADD COLUMN "schedule_time_zone" text;--> statement-breakpoint
ALTER TABLE "samples" ADD COLUMN "cache_key" text;--> statement-breakpoint
ALTER TABLE "samples" ADD COLUMN "cached" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "training_jobs" ADD COLUMN "status" text DEFAULT 'running' NOT NULL;--> statement-breakpoint
ALTER TABLE "training_jobs" ADD COLUMN "trained_tokens" integer;--> statement-breakpoint
ALTER TABLE "training_jobs" ADD COLUMN "seconds" double precision;--> statement-breakpoint
ALTER TABLE "adjustments" ADD CONSTRAINT "adjustments_run_id_runs_id_fk" FOREIGN KEY ("run_id") REFERENCES "public"."runs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "adjustments" ADD CONSTRAINT "adjustments_checkpoint_id_checkpoints_id_fk" FOREIGN KEY ("checkpoint_id") REFERENCES "public"."checkpoints"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "messages" ADD CONSTRAINT "messages_run_id_runs_id_fk" FOREIGN KEY ("run_id") REFERENCES "public"."runs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "reservations" ADD CONSTRAINT "reservations_run_id_runs_id_fk" FOREIGN KEY ("run_id") REFERENCES "public"."runs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "reservations" ADD CONSTRAINT "reservations_iteration_id_iterations_id_fk" FOREIGN KEY ("iteration_id") REFERENCES "public"."iterations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "critiques_cache_key_index" ON "critiques" USING btree ("cache_key");--> statement-breakpoint
CREATE INDEX "samples_cache_key_index" ON "samples" USING btree ("cache_key");