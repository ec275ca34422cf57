CREATE TABLE "serving_choices" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "serving_choices_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"task" text NOT NULL,
	"kind" text NOT NULL,
	"checkpoint_id" bigint,
	"instead_of_id" bigint,
	"pinned" boolean NOT NULL,
	"forced" boolean DEFAULT false NOT NULL,
	"reason" text NOT NULL,
	"by" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "serving_choices" ADD CONSTRAINT "serving_choices_checkpoint_id_checkpoints_id_fk" FOREIGN KEY ("checkpoint_id") REFERENCES "public"."checkpoints"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "serving_choices" ADD CONSTRAINT "serving_choices_instead_of_id_checkpoints_id_fk" FOREIGN KEY ("instead_of_id") REFERENCES "public"."checkpoints"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "serving_choices_task_id_index" ON "serving_choices" USING btree ("task","id");--> statement-breakpoint
-- Written by hand, since drizzle-kit knows no triggers. What people chose is never rewritten, and whoever serves a task is told at once
-- when a person or a promotion may have changed what it serves.
CREATE FUNCTION "refuse_rewritten_choices"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'choices of what a task serves are never changed or deleted: make another one' USING ERRCODE = 'check_violation';
END $$;--> statement-breakpoint
CREATE TRIGGER "refuse_rewritten_choices" BEFORE UPDATE OR DELETE OR TRUNCATE ON "serving_choices"
	FOR EACH STATEMENT EXECUTE FUNCTION "refuse_rewritten_choices"();--> statement-breakpoint
CREATE FUNCTION "tell_chosen"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_notify('ratchet_serving', left(NEW."task", 1000));
	RETURN NULL;
END $$;--> statement-breakpoint
CREATE TRIGGER "tell_chosen" AFTER INSERT ON "serving_choices" FOR EACH ROW EXECUTE FUNCTION "tell_chosen"();--> statement-breakpoint
CREATE FUNCTION "tell_promoted"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_notify('ratchet_serving', left(r."task", 1000)) FROM "iterations" i JOIN "runs" r ON r."id" = i."run_id"
		WHERE i."id" = NEW."iteration_id";
	RETURN NULL;
END $$;--> statement-breakpoint
CREATE TRIGGER "tell_promoted" AFTER INSERT ON "decisions" FOR EACH ROW WHEN (NEW."kind" = 'promote')
	EXECUTE FUNCTION "tell_promoted"();
