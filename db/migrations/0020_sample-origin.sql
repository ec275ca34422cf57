ALTER TABLE "samples" DROP CONSTRAINT "samples_prompt_id_round_index_unique";--> statement-breakpoint
ALTER TABLE "samples" ADD COLUMN "origin" text DEFAULT 'model' NOT NULL;--> statement-breakpoint
-- Written by hand: who wrote a sample was told by rounds that are none, 0 for planted ones and -1 for what a person gave.
DROP TRIGGER "keep_planted_samples" ON "samples";--> statement-breakpoint
DROP TRIGGER "refuse_cached_probes" ON "samples";--> statement-breakpoint
UPDATE "samples" SET "origin" = CASE "round" WHEN 0 THEN 'planted' ELSE 'person' END, "round" = 0 WHERE "round" <= 0;--> statement-breakpoint
ALTER TABLE "samples" ADD CONSTRAINT "samples_prompt_id_round_origin_index_unique" UNIQUE("prompt_id","round","origin","index");--> statement-breakpoint
ALTER TABLE "samples" ADD CONSTRAINT "samples_drawn" CHECK (("samples"."origin" = 'model') = ("samples"."round" > 0));--> statement-breakpoint
-- The guards of what is planted go by the origin, which never changes, so looking at it is enough, whatever happens at the same time.
CREATE OR REPLACE FUNCTION "refuse_planted_samples"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
	planted bigint;
BEGIN
	IF TG_TABLE_NAME = 'dataset_examples' THEN
		SELECT s."id" INTO planted FROM "examples" e JOIN "samples" s ON s."id" = e."sample_id"
			WHERE e."id" = NEW."example_id" AND s."origin" = 'planted';
	ELSE
		SELECT s."id" INTO planted FROM "samples" s WHERE s."id" = NEW."sample_id" AND s."origin" = 'planted';
	END IF;
	IF FOUND THEN
		RAISE EXCEPTION 'sample % is planted: it may be in no row of %', planted, TG_TABLE_NAME USING ERRCODE = 'check_violation';
	END IF;
	RETURN NEW;
END $$;--> statement-breakpoint
DROP FUNCTION "keep_planted_samples";--> statement-breakpoint
CREATE FUNCTION "keep_sample_origin"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'sample % is of the origin % for good: it can''t become %', OLD."id", OLD."origin", NEW."origin" USING ERRCODE = 'check_violation';
END $$;--> statement-breakpoint
CREATE TRIGGER "keep_sample_origin" BEFORE UPDATE ON "samples"
	FOR EACH ROW WHEN (OLD."origin" <> NEW."origin") EXECUTE FUNCTION "keep_sample_origin"();--> statement-breakpoint
CREATE OR REPLACE FUNCTION "refuse_real_probes"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF EXISTS (SELECT FROM "samples" s WHERE s."id" = NEW."sample_id" AND s."origin" <> 'planted') THEN
		RAISE EXCEPTION 'sample % was not planted: it can''t be a probe', NEW."sample_id" USING ERRCODE = 'check_violation';
	END IF;
	IF EXISTS (SELECT FROM "samples" s WHERE s."id" = NEW."host_sample_id" AND s."origin" = 'planted') THEN
		RAISE EXCEPTION 'sample % is planted itself: no other can stand in its place', NEW."host_sample_id" USING ERRCODE = 'check_violation';
	END IF;
	RETURN NEW;
END $$;--> statement-breakpoint
CREATE TRIGGER "refuse_cached_probes" BEFORE INSERT OR UPDATE ON "samples"
	FOR EACH ROW WHEN (NEW."origin" = 'planted' AND (NEW."cache_key" IS NOT NULL OR NEW."cached"))
	EXECUTE FUNCTION "refuse_cached_probes"();--> statement-breakpoint
-- Workers of the version before may run beside new ones for a while, and know no origin.
CREATE FUNCTION "read_old_rounds"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	NEW."origin" := CASE NEW."round" WHEN 0 THEN 'planted' ELSE 'person' END;
	NEW."round" := 0;
	RETURN NEW;
END $$;--> statement-breakpoint
-- By its name it comes before the guards.
CREATE TRIGGER "read_old_rounds" BEFORE INSERT ON "samples"
	FOR EACH ROW WHEN (NEW."origin" = 'model' AND NEW."round" <= 0) EXECUTE FUNCTION "read_old_rounds"();
