CREATE TABLE "answer_demonstrations" (
	"answer_id" text NOT NULL,
	"query_digest" text NOT NULL,
	"position" integer NOT NULL,
	"prompt_digest" text NOT NULL,
	"request" text NOT NULL,
	"rationale" text NOT NULL,
	"example_id" bigint,
	CONSTRAINT "answer_demonstrations_answer_id_position_pk" PRIMARY KEY("answer_id","position"),
	CONSTRAINT "never_the_query" CHECK ("answer_demonstrations"."prompt_digest" <> "answer_demonstrations"."query_digest")
);
--> statement-breakpoint
CREATE TABLE "answers" (
	"id" text PRIMARY KEY NOT NULL,
	"task" text NOT NULL,
	"prompt" text NOT NULL,
	"prompt_digest" text NOT NULL,
	"settings" jsonb NOT NULL,
	"checkpoint_id" bigint NOT NULL,
	"first_answer" text,
	"first_agreement" double precision,
	"first_solved" double precision,
	"first_rationale" text,
	"reason" text,
	"adapter_state" text DEFAULT 'none' NOT NULL,
	"job_id" text,
	"adapter" text,
	"training_seconds" double precision,
	"switch_ms" double precision,
	"answer" text,
	"agreement" double precision,
	"rationale" text,
	"adapted" boolean DEFAULT false NOT NULL,
	"prompt_tokens" integer DEFAULT 0 NOT NULL,
	"completion_tokens" integer DEFAULT 0 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"finished_at" timestamp with time zone,
	CONSTRAINT "answers_id_digest" UNIQUE("id","prompt_digest")
);
--> statement-breakpoint
ALTER TABLE "answer_demonstrations" ADD CONSTRAINT "answer_demonstrations_example_id_examples_id_fk" FOREIGN KEY ("example_id") REFERENCES "public"."examples"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "answer_demonstrations" ADD CONSTRAINT "answer_demonstrations_query" FOREIGN KEY ("answer_id","query_digest") REFERENCES "public"."answers"("id","prompt_digest") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "answers" ADD CONSTRAINT "answers_checkpoint_id_checkpoints_id_fk" FOREIGN KEY ("checkpoint_id") REFERENCES "public"."checkpoints"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "answer_demonstrations_example" ON "answer_demonstrations" USING btree ("example_id");--> statement-breakpoint
CREATE INDEX "answers_held" ON "answers" USING btree ("created_at") WHERE "answers"."adapter_state" = 'held';