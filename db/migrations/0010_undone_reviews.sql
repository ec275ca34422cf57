CREATE TABLE "undone_reviews" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "undone_reviews_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"review_id" bigint NOT NULL,
	"decision" text NOT NULL,
	"corrected_answer" text,
	"corrected_rationale" text,
	"note" text,
	"bulk" boolean NOT NULL,
	"reviewer" text NOT NULL,
	"decided_at" timestamp with time zone NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "undone_reviews" ADD CONSTRAINT "undone_reviews_review_id_reviews_id_fk" FOREIGN KEY ("review_id") REFERENCES "public"."reviews"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "undone_reviews_review_id_index" ON "undone_reviews" USING btree ("review_id");--> statement-breakpoint
-- Written by hand, since drizzle-kit knows no triggers. What a reviewer had decided stays on record when he takes it back.
CREATE FUNCTION "refuse_rewritten_undos"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'decisions that were taken back are never changed or deleted' USING ERRCODE = 'check_violation';
END $$;--> statement-breakpoint
CREATE TRIGGER "refuse_rewritten_undos" BEFORE UPDATE OR DELETE OR TRUNCATE ON "undone_reviews"
	FOR EACH STATEMENT EXECUTE FUNCTION "refuse_rewritten_undos"();
