ALTER TABLE "prompts" DROP CONSTRAINT "prompts_iteration_id_key_unique";--> statement-breakpoint
DROP INDEX "prompts_key_index";--> statement-breakpoint
DROP INDEX "benchmark_items_run_id_key_index";--> statement-breakpoint
CREATE UNIQUE INDEX "prompts_problem" ON "prompts" USING btree ("iteration_id",md5("key"));--> statement-breakpoint
CREATE INDEX "prompts_key" ON "prompts" USING btree (md5("key"));--> statement-breakpoint
CREATE INDEX "benchmark_items_key" ON "benchmark_items" USING btree ("run_id",md5("key"));