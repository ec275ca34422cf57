CREATE INDEX "samples_unreadable" ON "samples" USING btree ("prompt_id") WHERE "samples"."answer" is null;--> statement-breakpoint
CREATE INDEX "verdicts_gate_outcome_sample_id_index" ON "verdicts" USING btree ("gate","outcome","sample_id");--> statement-breakpoint
-- Written by hand, since drizzle-kit knows no statistics. Gate and outcome hang together: most gates nearly always say the same.
CREATE STATISTICS "verdicts_gate_outcome" (mcv) ON "gate", "outcome" FROM "verdicts";--> statement-breakpoint
ANALYZE "verdicts";
