CREATE TABLE "leaks" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "leaks_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"iteration_id" bigint NOT NULL,
	"stage" text NOT NULL,
	"position" integer NOT NULL,
	"key" text NOT NULL,
	"text" text NOT NULL,
	"example_id" bigint,
	"benchmark" text NOT NULL,
	"item_key" text NOT NULL,
	"kind" text NOT NULL,
	"similarity" double precision NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "leaks_iteration_id_stage_position_unique" UNIQUE("iteration_id","stage","position")
);
--> statement-breakpoint
CREATE TABLE "majority_items" (
	"item_id" bigint PRIMARY KEY NOT NULL,
	"samples" integer NOT NULL,
	"votes" integer NOT NULL,
	"runner_up_votes" integer NOT NULL,
	"answer" text,
	"correct" boolean NOT NULL
);
--> statement-breakpoint
CREATE TABLE "majority_samples" (
	"item_id" bigint NOT NULL,
	"index" integer NOT NULL,
	"rewrite" text NOT NULL,
	"strategy" text NOT NULL,
	"rationale" text NOT NULL,
	"answer" text,
	"call_id" bigint NOT NULL,
	CONSTRAINT "majority_samples_item_id_index_pk" PRIMARY KEY("item_id","index")
);
--> statement-breakpoint
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
CREATE TABLE "revocations" (
	"example_id" bigint PRIMARY KEY NOT NULL,
	"reason" text NOT NULL,
	"by" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "verifications" (
	"sample_id" bigint PRIMARY KEY NOT NULL,
	"ok" boolean,
	"score" double precision,
	"reason" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "examples" DROP CONSTRAINT "examples_sample_id_unique";--> statement-breakpoint
ALTER TABLE "examples" ADD COLUMN "rationale" text;--> statement-breakpoint
ALTER TABLE "leaks" ADD CONSTRAINT "leaks_iteration_id_iterations_id_fk" FOREIGN KEY ("iteration_id") REFERENCES "public"."iterations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "leaks" ADD CONSTRAINT "leaks_example_id_examples_id_fk" FOREIGN KEY ("example_id") REFERENCES "public"."examples"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "majority_items" ADD CONSTRAINT "majority_items_item_id_benchmark_items_id_fk" FOREIGN KEY ("item_id") REFERENCES "public"."benchmark_items"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "majority_samples" ADD CONSTRAINT "majority_samples_item_id_benchmark_items_id_fk" FOREIGN KEY ("item_id") REFERENCES "public"."benchmark_items"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "majority_samples" ADD CONSTRAINT "majority_samples_call_id_model_calls_id_fk" FOREIGN KEY ("call_id") REFERENCES "public"."model_calls"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "reviews" ADD CONSTRAINT "reviews_run_id_runs_id_fk" FOREIGN KEY ("run_id") REFERENCES "public"."runs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "reviews" ADD CONSTRAINT "reviews_iteration_id_iterations_id_fk" FOREIGN KEY ("iteration_id") REFERENCES "public"."iterations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "reviews" ADD CONSTRAINT "reviews_sample_id_samples_id_fk" FOREIGN KEY ("sample_id") REFERENCES "public"."samples"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "revocations" ADD CONSTRAINT "revocations_example_id_examples_id_fk" FOREIGN KEY ("example_id") REFERENCES "public"."examples"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "verifications" ADD CONSTRAINT "verifications_sample_id_samples_id_fk" FOREIGN KEY ("sample_id") REFERENCES "public"."samples"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "reviews_run_id_iteration_id_index" ON "reviews" USING btree ("run_id","iteration_id");--> statement-breakpoint
CREATE INDEX "checkpoints_parent_id_index" ON "checkpoints" USING btree ("parent_id");--> statement-breakpoint
CREATE INDEX "checkpoints_training_job_id_index" ON "checkpoints" USING btree ("training_job_id");--> statement-breakpoint
CREATE UNIQUE INDEX "examples_sample_human" ON "examples" USING btree ("sample_id",("kind" = 'human'));--> statement-breakpoint
CREATE INDEX "examples_prompt_id_index" ON "examples" USING btree ("prompt_id");--> statement-breakpoint
CREATE INDEX "iterations_checkpoint_id_index" ON "iterations" USING btree ("checkpoint_id");--> statement-breakpoint
-- Written by hand, since drizzle-kit knows no triggers. No dataset may hold a revoked example. Checked after the statement: its
-- foreign keys have waited by then for a revocation that is under way, so the two can't miss each other.
CREATE FUNCTION "refuse_revoked_examples"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
	revoked bigint;
BEGIN
	SELECT r."example_id" INTO revoked FROM "added" JOIN "revocations" r USING ("example_id") LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'example % is revoked: it may be in no dataset any more', revoked USING ERRCODE = 'check_violation';
	END IF;
	RETURN NULL;
END $$;--> statement-breakpoint
CREATE TRIGGER "refuse_revoked_examples" AFTER INSERT ON "dataset_examples"
	REFERENCING NEW TABLE AS "added" FOR EACH STATEMENT EXECUTE FUNCTION "refuse_revoked_examples"();
