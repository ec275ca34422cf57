CREATE TABLE "shown_answers" (
	"item_id" bigint PRIMARY KEY NOT NULL,
	"rationale" text NOT NULL,
	"answer" text,
	"correct" boolean,
	"fingerprint" text,
	"call_id" bigint NOT NULL
);
--> statement-breakpoint
ALTER TABLE "shown_answers" ADD CONSTRAINT "shown_answers_item_id_benchmark_items_id_fk" FOREIGN KEY ("item_id") REFERENCES "public"."benchmark_items"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "shown_answers" ADD CONSTRAINT "shown_answers_call_id_model_calls_id_fk" FOREIGN KEY ("call_id") REFERENCES "public"."model_calls"("id") ON DELETE no action ON UPDATE no action;