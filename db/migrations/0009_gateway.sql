CREATE TABLE "gateway_completions" (
	"id" text PRIMARY KEY NOT NULL,
	"task" text NOT NULL,
	"checkpoint_id" bigint NOT NULL,
	"fallback" text,
	"upstream_id" text,
	"fingerprint" text,
	"streamed" boolean NOT NULL,
	"outcome" text NOT NULL,
	"prompt_tokens" integer,
	"completion_tokens" integer,
	"latency_ms" integer NOT NULL,
	"prompt_id" bigint,
	"not_pooled" text,
	"messages" jsonb,
	"replies" jsonb,
	"redacted" jsonb,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "gateway_feedback" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "gateway_feedback_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"completion_id" text NOT NULL,
	"task" text NOT NULL,
	"choice" integer NOT NULL,
	"rating" text,
	"prompt_id" bigint,
	"correction" text,
	"answer" text,
	"rationale" text,
	"use" text,
	"by" text NOT NULL,
	"note" text,
	"digest" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "gateway_feedback_digest_unique" UNIQUE("digest")
);
--> statement-breakpoint
CREATE TABLE "gateway_prompts" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "gateway_prompts_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"task" text NOT NULL,
	"key_digest" text NOT NULL,
	"key" text NOT NULL,
	"text" text NOT NULL,
	"level" integer,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "gateway_prompts_task_key_digest_unique" UNIQUE("task","key_digest")
);
--> statement-breakpoint
ALTER TABLE "benchmark_items" ADD COLUMN "feedback_id" bigint;--> statement-breakpoint
ALTER TABLE "prompts" ADD COLUMN "gateway_prompt_id" bigint;--> statement-breakpoint
ALTER TABLE "prompts" ADD COLUMN "feedback_id" bigint;--> statement-breakpoint
ALTER TABLE "reviews" ADD COLUMN "feedback_id" bigint;--> statement-breakpoint
ALTER TABLE "gateway_completions" ADD CONSTRAINT "gateway_completions_checkpoint_id_checkpoints_id_fk" FOREIGN KEY ("checkpoint_id") REFERENCES "public"."checkpoints"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "gateway_completions" ADD CONSTRAINT "gateway_completions_prompt_id_gateway_prompts_id_fk" FOREIGN KEY ("prompt_id") REFERENCES "public"."gateway_prompts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "gateway_feedback" ADD CONSTRAINT "gateway_feedback_completion_id_gateway_completions_id_fk" FOREIGN KEY ("completion_id") REFERENCES "public"."gateway_completions"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "gateway_feedback" ADD CONSTRAINT "gateway_feedback_prompt_id_gateway_prompts_id_fk" FOREIGN KEY ("prompt_id") REFERENCES "public"."gateway_prompts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "gateway_completions_task_created_at_index" ON "gateway_completions" USING btree ("task","created_at");--> statement-breakpoint
CREATE INDEX "gateway_completions_prompt_id_index" ON "gateway_completions" USING btree ("prompt_id");--> statement-breakpoint
CREATE INDEX "gateway_completions_checkpoint_id_index" ON "gateway_completions" USING btree ("checkpoint_id");--> statement-breakpoint
CREATE INDEX "gateway_feedback_task_id_index" ON "gateway_feedback" USING btree ("task","id");--> statement-breakpoint
CREATE INDEX "gateway_feedback_completion_id_index" ON "gateway_feedback" USING btree ("completion_id");--> statement-breakpoint
CREATE INDEX "gateway_prompts_task_id_index" ON "gateway_prompts" USING btree ("task","id");--> statement-breakpoint
ALTER TABLE "benchmark_items" ADD CONSTRAINT "benchmark_items_feedback_id_gateway_feedback_id_fk" FOREIGN KEY ("feedback_id") REFERENCES "public"."gateway_feedback"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "prompts" ADD CONSTRAINT "prompts_gateway_prompt_id_gateway_prompts_id_fk" FOREIGN KEY ("gateway_prompt_id") REFERENCES "public"."gateway_prompts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "prompts" ADD CONSTRAINT "prompts_feedback_id_gateway_feedback_id_fk" FOREIGN KEY ("feedback_id") REFERENCES "public"."gateway_feedback"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "reviews" ADD CONSTRAINT "reviews_feedback_id_gateway_feedback_id_fk" FOREIGN KEY ("feedback_id") REFERENCES "public"."gateway_feedback"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "prompts_gateway_prompt_id_index" ON "prompts" USING btree ("gateway_prompt_id");--> statement-breakpoint
CREATE INDEX "prompts_feedback_id_index" ON "prompts" USING btree ("feedback_id");--> statement-breakpoint
CREATE INDEX "reviews_feedback_id_index" ON "reviews" USING btree ("feedback_id");