ALTER TABLE "gateway_completions" ADD COLUMN "stored_prompt_id" bigint;--> statement-breakpoint
ALTER TABLE "gateway_feedback" ADD COLUMN "stored_prompt_id" bigint;--> statement-breakpoint
ALTER TABLE "prompts" ADD COLUMN "stored_prompt_id" bigint;--> statement-breakpoint
ALTER TABLE "gateway_completions" ADD CONSTRAINT "gateway_completions_stored_prompt_id_stored_prompts_id_fk" FOREIGN KEY ("stored_prompt_id") REFERENCES "public"."stored_prompts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "gateway_feedback" ADD CONSTRAINT "gateway_feedback_stored_prompt_id_stored_prompts_id_fk" FOREIGN KEY ("stored_prompt_id") REFERENCES "public"."stored_prompts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "prompts" ADD CONSTRAINT "prompts_stored_prompt_id_stored_prompts_id_fk" FOREIGN KEY ("stored_prompt_id") REFERENCES "public"."stored_prompts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "gateway_completions_stored_prompt_id_index" ON "gateway_completions" USING btree ("stored_prompt_id");--> statement-breakpoint
CREATE INDEX "prompts_stored_prompt_id_index" ON "prompts" USING btree ("stored_prompt_id");--> statement-breakpoint
-- Written by hand: what the gateway stored lies among the prompts that were stored otherwise, each problem of a task once. Where it
-- was imported before, that row stands for both.
INSERT INTO "stored_prompts" ("task", "key", "text", "level", "source", "origin", "created_at")
	SELECT g."task", g."key", g."text", g."level", 'gateway', coalesce(
		(SELECT c."id" FROM "gateway_completions" c WHERE c."prompt_id" = g."id" ORDER BY c."created_at", c."id" LIMIT 1),
		(SELECT f."completion_id" FROM "gateway_feedback" f WHERE f."prompt_id" = g."id" ORDER BY f."id" LIMIT 1),
		'unknown'), g."created_at"
	FROM "gateway_prompts" g ORDER BY g."id"
	ON CONFLICT DO NOTHING;--> statement-breakpoint
UPDATE "prompts" p SET "stored_prompt_id" = s."id" FROM "gateway_prompts" g, "stored_prompts" s
	WHERE p."gateway_prompt_id" = g."id" AND s."task" = g."task" AND md5(s."key") = md5(g."key");--> statement-breakpoint
UPDATE "gateway_completions" c SET "stored_prompt_id" = s."id" FROM "gateway_prompts" g, "stored_prompts" s
	WHERE c."prompt_id" = g."id" AND s."task" = g."task" AND md5(s."key") = md5(g."key");--> statement-breakpoint
UPDATE "gateway_feedback" f SET "stored_prompt_id" = s."id" FROM "gateway_prompts" g, "stored_prompts" s
	WHERE f."prompt_id" = g."id" AND s."task" = g."task" AND md5(s."key") = md5(g."key");--> statement-breakpoint
-- A run that drew from the gateway alone goes on with what is stored alone.
UPDATE "runs" SET "settings" = jsonb_set("settings", '{pool}', ("settings"->'pool') - 'source' || CASE
	WHEN "settings"->'pool'->>'source' = 'gateway' THEN '{"stored": "only"}'::jsonb ELSE '{}'::jsonb END)
	WHERE "settings"->'pool' ? 'source';
