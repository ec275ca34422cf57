CREATE TABLE "paraphrases" (
	"prompt_id" bigint NOT NULL,
	"index" integer NOT NULL,
	"text" text NOT NULL,
	"ok" boolean NOT NULL,
	"reason" text NOT NULL,
	"call_id" bigint NOT NULL,
	"cache_key" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "paraphrases_prompt_id_index_pk" PRIMARY KEY("prompt_id","index")
);
--> statement-breakpoint
ALTER TABLE "votes" ADD COLUMN "copies" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "paraphrases" ADD CONSTRAINT "paraphrases_prompt_id_prompts_id_fk" FOREIGN KEY ("prompt_id") REFERENCES "public"."prompts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "paraphrases" ADD CONSTRAINT "paraphrases_call_id_model_calls_id_fk" FOREIGN KEY ("call_id") REFERENCES "public"."model_calls"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "paraphrases_cache_key_index" ON "paraphrases" USING btree ("cache_key");