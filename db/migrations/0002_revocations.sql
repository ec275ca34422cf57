CREATE TABLE "revocations" (
	"example_id" bigint PRIMARY KEY NOT NULL,
	"reason" text NOT NULL,
	"by" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "revocations" ADD CONSTRAINT "revocations_example_id_examples_id_fk" FOREIGN KEY ("example_id") REFERENCES "public"."examples"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "checkpoints_parent_id_index" ON "checkpoints" USING btree ("parent_id");--> statement-breakpoint
CREATE INDEX "checkpoints_training_job_id_index" ON "checkpoints" USING btree ("training_job_id");--> statement-breakpoint
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
