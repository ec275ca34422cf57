CREATE TABLE "drift" (
	"iteration_id" bigint NOT NULL,
	"source" text NOT NULL,
	"reference_iteration" integer,
	"measures" jsonb NOT NULL,
	"alarms" jsonb NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "drift_iteration_id_source_pk" PRIMARY KEY("iteration_id","source")
);
--> statement-breakpoint
CREATE TABLE "drift_answers" (
	"checkpoint_id" bigint NOT NULL,
	"prompt_id" bigint NOT NULL,
	"rationale" text NOT NULL,
	"answer" text,
	"completion_tokens" integer NOT NULL,
	"call_id" bigint NOT NULL,
	CONSTRAINT "drift_answers_checkpoint_id_prompt_id_pk" PRIMARY KEY("checkpoint_id","prompt_id")
);
--> statement-breakpoint
CREATE TABLE "drift_prompts" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "drift_prompts_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"run_id" text NOT NULL,
	"position" integer NOT NULL,
	"key" text NOT NULL,
	"text" text NOT NULL,
	CONSTRAINT "drift_prompts_run_id_position_unique" UNIQUE("run_id","position")
);
--> statement-breakpoint
ALTER TABLE "drift" ADD CONSTRAINT "drift_iteration_id_iterations_id_fk" FOREIGN KEY ("iteration_id") REFERENCES "public"."iterations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "drift_answers" ADD CONSTRAINT "drift_answers_checkpoint_id_checkpoints_id_fk" FOREIGN KEY ("checkpoint_id") REFERENCES "public"."checkpoints"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "drift_answers" ADD CONSTRAINT "drift_answers_prompt_id_drift_prompts_id_fk" FOREIGN KEY ("prompt_id") REFERENCES "public"."drift_prompts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "drift_answers" ADD CONSTRAINT "drift_answers_call_id_model_calls_id_fk" FOREIGN KEY ("call_id") REFERENCES "public"."model_calls"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "drift_prompts" ADD CONSTRAINT "drift_prompts_run_id_runs_id_fk" FOREIGN KEY ("run_id") REFERENCES "public"."runs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "drift_answers_prompt_id_index" ON "drift_answers" USING btree ("prompt_id");