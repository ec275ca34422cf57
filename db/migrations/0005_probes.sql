CREATE TABLE "audits" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "audits_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"iteration_id" bigint NOT NULL,
	"attempt" integer NOT NULL,
	"planted" integer NOT NULL,
	"caught" integer NOT NULL,
	"min_catch_rate" double precision NOT NULL,
	"outcome" text NOT NULL,
	"kinds" jsonb NOT NULL,
	"set_aside_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "audits_iteration_id_attempt_unique" UNIQUE("iteration_id","attempt")
);
--> statement-breakpoint
CREATE TABLE "probes" (
	"sample_id" bigint PRIMARY KEY NOT NULL,
	"iteration_id" bigint NOT NULL,
	"kind" text NOT NULL,
	"origin" text NOT NULL,
	"host_sample_id" bigint NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "set_aside" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "set_aside_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"audit_id" bigint NOT NULL,
	"source" text NOT NULL,
	"row" jsonb NOT NULL
);
--> statement-breakpoint
ALTER TABLE "audits" ADD CONSTRAINT "audits_iteration_id_iterations_id_fk" FOREIGN KEY ("iteration_id") REFERENCES "public"."iterations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "probes" ADD CONSTRAINT "probes_sample_id_samples_id_fk" FOREIGN KEY ("sample_id") REFERENCES "public"."samples"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "probes" ADD CONSTRAINT "probes_iteration_id_iterations_id_fk" FOREIGN KEY ("iteration_id") REFERENCES "public"."iterations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "probes" ADD CONSTRAINT "probes_host_sample_id_samples_id_fk" FOREIGN KEY ("host_sample_id") REFERENCES "public"."samples"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "set_aside" ADD CONSTRAINT "set_aside_audit_id_audits_id_fk" FOREIGN KEY ("audit_id") REFERENCES "public"."audits"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "probes_iteration_id_index" ON "probes" USING btree ("iteration_id");--> statement-breakpoint
CREATE INDEX "set_aside_audit_id_index" ON "set_aside" USING btree ("audit_id");--> statement-breakpoint
-- Written by hand, since drizzle-kit knows no triggers. What is planted (round 0) is never trained on and never put to reviewers. A
-- sample's round can't become or cease to be 0, so looking at the round is enough, whatever happens at the same time.
CREATE FUNCTION "refuse_planted_samples"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
	planted bigint;
BEGIN
	IF TG_TABLE_NAME = 'dataset_examples' THEN
		SELECT s."id" INTO planted FROM "examples" e JOIN "samples" s ON s."id" = e."sample_id"
			WHERE e."id" = NEW."example_id" AND s."round" = 0;
	ELSE
		SELECT s."id" INTO planted FROM "samples" s WHERE s."id" = NEW."sample_id" AND s."round" = 0;
	END IF;
	IF FOUND THEN
		RAISE EXCEPTION 'sample % is planted: it may be in no row of %', planted, TG_TABLE_NAME USING ERRCODE = 'check_violation';
	END IF;
	RETURN NEW;
END $$;--> statement-breakpoint
CREATE TRIGGER "refuse_planted_samples" BEFORE INSERT OR UPDATE ON "examples"
	FOR EACH ROW EXECUTE FUNCTION "refuse_planted_samples"();--> statement-breakpoint
CREATE TRIGGER "refuse_planted_samples" BEFORE INSERT OR UPDATE ON "dataset_examples"
	FOR EACH ROW EXECUTE FUNCTION "refuse_planted_samples"();--> statement-breakpoint
CREATE TRIGGER "refuse_planted_samples" BEFORE INSERT OR UPDATE ON "reviews"
	FOR EACH ROW EXECUTE FUNCTION "refuse_planted_samples"();--> statement-breakpoint
CREATE FUNCTION "keep_planted_samples"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'sample % is planted or real for good: its round can''t become %', OLD."id", NEW."round" USING ERRCODE = 'check_violation';
END $$;--> statement-breakpoint
CREATE TRIGGER "keep_planted_samples" BEFORE UPDATE ON "samples"
	FOR EACH ROW WHEN ((OLD."round" = 0) <> (NEW."round" = 0)) EXECUTE FUNCTION "keep_planted_samples"();--> statement-breakpoint
CREATE FUNCTION "refuse_real_probes"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF EXISTS (SELECT FROM "samples" s WHERE s."id" = NEW."sample_id" AND s."round" <> 0) THEN
		RAISE EXCEPTION 'sample % is a model''s own: it can''t be a probe', NEW."sample_id" USING ERRCODE = 'check_violation';
	END IF;
	IF EXISTS (SELECT FROM "samples" s WHERE s."id" = NEW."host_sample_id" AND s."round" = 0) THEN
		RAISE EXCEPTION 'sample % is planted itself: no other can stand in its place', NEW."host_sample_id" USING ERRCODE = 'check_violation';
	END IF;
	RETURN NEW;
END $$;--> statement-breakpoint
CREATE TRIGGER "refuse_real_probes" BEFORE INSERT OR UPDATE ON "probes"
	FOR EACH ROW EXECUTE FUNCTION "refuse_real_probes"();--> statement-breakpoint
CREATE FUNCTION "refuse_cached_probes"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'what is planted is never drawn again: it can have no cache key' USING ERRCODE = 'check_violation';
END $$;--> statement-breakpoint
CREATE TRIGGER "refuse_cached_probes" BEFORE INSERT OR UPDATE ON "samples"
	FOR EACH ROW WHEN (NEW."round" = 0 AND (NEW."cache_key" IS NOT NULL OR NEW."cached"))
	EXECUTE FUNCTION "refuse_cached_probes"();
