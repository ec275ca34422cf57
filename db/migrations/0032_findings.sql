ALTER TABLE "sandbox_results" ADD COLUMN "finding" text;--> statement-breakpoint
ALTER TABLE "verifications" ADD COLUMN "finding" text;