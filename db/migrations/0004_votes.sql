CREATE TABLE "calibration_items" (
	"prompt_id" bigint PRIMARY KEY NOT NULL,
	"answer" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "calibrations" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "calibrations_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"iteration_id" bigint NOT NULL,
	"level" integer,
	"samples" integer NOT NULL,
	"asked" double precision NOT NULL,
	"votes" integer,
	"lead" integer,
	"precision" double precision,
	"right" integer NOT NULL,
	"total" integer NOT NULL,
	"right_at_all" integer NOT NULL,
	"total_at_all" integer NOT NULL,
	"iterations" integer NOT NULL,
	"cells" jsonb NOT NULL,
	"reason" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "calibrations_iteration_id_level_unique" UNIQUE NULLS NOT DISTINCT("iteration_id","level")
);
--> statement-breakpoint
ALTER TABLE "votes" ADD COLUMN "unreadable" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "votes" ADD COLUMN "tallies" jsonb;--> statement-breakpoint
ALTER TABLE "votes" ADD COLUMN "within" double precision;--> statement-breakpoint
ALTER TABLE "votes" ADD COLUMN "across" double precision;--> statement-breakpoint
ALTER TABLE "votes" ADD COLUMN "shared_mistake" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "calibration_items" ADD CONSTRAINT "calibration_items_prompt_id_prompts_id_fk" FOREIGN KEY ("prompt_id") REFERENCES "public"."prompts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "calibrations" ADD CONSTRAINT "calibrations_iteration_id_iterations_id_fk" FOREIGN KEY ("iteration_id") REFERENCES "public"."iterations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
-- Written by hand, since drizzle-kit knows no triggers. What votes are measured on is never trained on.
CREATE FUNCTION "refuse_calibration_examples"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF EXISTS (SELECT 1 FROM "prompts" p WHERE p."id" = NEW."prompt_id" AND p."purpose" = 'calibrate') THEN
		RAISE EXCEPTION 'prompt % is a calibration problem: it may be no example', NEW."prompt_id" USING ERRCODE = 'check_violation';
	END IF;
	RETURN NEW;
END $$;--> statement-breakpoint
CREATE TRIGGER "refuse_calibration_examples" BEFORE INSERT ON "examples"
	FOR EACH ROW EXECUTE FUNCTION "refuse_calibration_examples"();
