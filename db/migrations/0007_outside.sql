CREATE TABLE "given_examples" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "given_examples_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"task" text NOT NULL,
	"key" text NOT NULL,
	"text" text NOT NULL,
	"level" integer,
	"rationale" text NOT NULL,
	"answer" text NOT NULL,
	"source" text NOT NULL,
	"origin" text NOT NULL,
	"by" text NOT NULL,
	"note" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "stored_prompts" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "stored_prompts_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"task" text NOT NULL,
	"key" text NOT NULL,
	"text" text NOT NULL,
	"level" integer,
	"source" text NOT NULL,
	"origin" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "examples" ADD COLUMN "given_id" bigint;--> statement-breakpoint
CREATE UNIQUE INDEX "given_examples_same" ON "given_examples" USING btree ("task",md5("text"),md5("rationale"));--> statement-breakpoint
CREATE UNIQUE INDEX "stored_prompts_problem" ON "stored_prompts" USING btree ("task",md5("key"));--> statement-breakpoint
ALTER TABLE "examples" ADD CONSTRAINT "examples_given_id_given_examples_id_fk" FOREIGN KEY ("given_id") REFERENCES "public"."given_examples"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "examples" ADD CONSTRAINT "examples_run_id_given_id_unique" UNIQUE("run_id","given_id");