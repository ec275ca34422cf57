ALTER TABLE "gateway_prompts" DISABLE ROW LEVEL SECURITY;--> statement-breakpoint
DROP TABLE "gateway_prompts" CASCADE;--> statement-breakpoint
ALTER TABLE "prompts" DROP CONSTRAINT IF EXISTS "prompts_gateway_prompt_id_gateway_prompts_id_fk";
--> statement-breakpoint
ALTER TABLE "gateway_completions" DROP CONSTRAINT IF EXISTS "gateway_completions_prompt_id_gateway_prompts_id_fk";
--> statement-breakpoint
ALTER TABLE "gateway_feedback" DROP CONSTRAINT IF EXISTS "gateway_feedback_prompt_id_gateway_prompts_id_fk";
--> statement-breakpoint
DROP INDEX "prompts_gateway_prompt_id_index";--> statement-breakpoint
DROP INDEX "gateway_completions_prompt_id_index";--> statement-breakpoint
ALTER TABLE "prompts" DROP COLUMN "gateway_prompt_id";--> statement-breakpoint
ALTER TABLE "gateway_completions" DROP COLUMN "prompt_id";--> statement-breakpoint
ALTER TABLE "gateway_feedback" DROP COLUMN "prompt_id";