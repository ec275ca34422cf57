CREATE TABLE "reviews" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "reviews_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"run_id" text NOT NULL,
	"iteration_id" bigint NOT NULL,
	"sample_id" bigint NOT NULL,
	"reason" text NOT NULL,
	"audit" boolean NOT NULL,
	"decision" text,
	"bulk" boolean DEFAULT false NOT NULL,
	"corrected_answer" text,
	"corrected_rationale" text,
	"note" text,
	"reviewer" text,
	"decided_at" timestamp with time zone,
	"claimed_by" text,
	"claimed_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "reviews_sample_id_unique" UNIQUE("sample_id")
);
--> statement-breakpoint
ALTER TABLE "examples" DROP CONSTRAINT "examples_sample_id_unique";--> statement-breakpoint
ALTER TABLE "examples" ADD COLUMN "rationale" text;--> statement-breakpoint
ALTER TABLE "reviews" ADD CONSTRAINT "reviews_run_id_runs_id_fk" FOREIGN KEY ("run_id") REFERENCES "public"."runs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "reviews" ADD CONSTRAINT "reviews_iteration_id_iterations_id_fk" FOREIGN KEY ("iteration_id") REFERENCES "public"."iterations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "reviews" ADD CONSTRAINT "reviews_sample_id_samples_id_fk" FOREIGN KEY ("sample_id") REFERENCES "public"."samples"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "reviews_run_id_iteration_id_index" ON "reviews" USING btree ("run_id","iteration_id");--> statement-breakpoint
CREATE UNIQUE INDEX "examples_sample_human" ON "examples" USING btree ("sample_id",("kind" = 'human'));