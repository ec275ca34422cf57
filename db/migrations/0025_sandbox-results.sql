CREATE TABLE "sandbox_results" (
	"digest" text PRIMARY KEY NOT NULL,
	"ok" boolean,
	"score" double precision,
	"reason" text NOT NULL,
	"behaviour" text,
	"details" jsonb,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "samples" ADD COLUMN "behaviour" text;--> statement-breakpoint
ALTER TABLE "verifications" ADD COLUMN "result_digest" text;--> statement-breakpoint
ALTER TABLE "evaluation_items" ADD COLUMN "result_digest" text;--> statement-breakpoint
ALTER TABLE "verifications" ADD CONSTRAINT "verifications_result_digest_sandbox_results_digest_fk" FOREIGN KEY ("result_digest") REFERENCES "public"."sandbox_results"("digest") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "evaluation_items" ADD CONSTRAINT "evaluation_items_result_digest_sandbox_results_digest_fk" FOREIGN KEY ("result_digest") REFERENCES "public"."sandbox_results"("digest") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
-- What a sample does is found out once: votes were counted by it.
CREATE FUNCTION "keep_behaviour"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.behaviour IS NOT NULL AND NEW.behaviour IS DISTINCT FROM OLD.behaviour THEN
    RAISE EXCEPTION 'The behaviour of sample % is stored and stays.', OLD.id;
  END IF;
  RETURN NEW;
END $$;
--> statement-breakpoint
CREATE TRIGGER "keep_behaviour" BEFORE UPDATE OF "behaviour" ON "samples"
  FOR EACH ROW EXECUTE FUNCTION "keep_behaviour"();
