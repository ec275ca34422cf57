CREATE TABLE "variants" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "variants_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"iteration_id" bigint NOT NULL,
	"prompt_id" bigint NOT NULL,
	"number" integer NOT NULL,
	"by" text NOT NULL,
	"call_id" bigint,
	"key" text,
	"text" text NOT NULL,
	"level" integer,
	"outcome" text NOT NULL,
	"reason" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "variants_prompt_id_number_unique" UNIQUE("prompt_id","number")
);
--> statement-breakpoint
ALTER TABLE "prompts" ADD COLUMN "variant_id" bigint;--> statement-breakpoint
ALTER TABLE "variants" ADD CONSTRAINT "variants_iteration_id_iterations_id_fk" FOREIGN KEY ("iteration_id") REFERENCES "public"."iterations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "variants" ADD CONSTRAINT "variants_prompt_id_prompts_id_fk" FOREIGN KEY ("prompt_id") REFERENCES "public"."prompts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "variants" ADD CONSTRAINT "variants_call_id_model_calls_id_fk" FOREIGN KEY ("call_id") REFERENCES "public"."model_calls"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "variants_iteration_id_index" ON "variants" USING btree ("iteration_id");--> statement-breakpoint
ALTER TABLE "prompts" ADD CONSTRAINT "prompts_variant_id_variants_id_fk" FOREIGN KEY ("variant_id") REFERENCES "public"."variants"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "prompts_variant_id_index" ON "prompts" USING btree ("variant_id");
--> statement-breakpoint
-- Written by hand, since drizzle-kit knows no triggers. What was asked for is not asked for again, so what came of it stays.
CREATE FUNCTION "keep_variants"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'variant % of prompt % is %: it does not change any more', OLD."number", OLD."prompt_id", OLD."outcome"
    USING ERRCODE = 'check_violation';
END $$;
--> statement-breakpoint
CREATE TRIGGER "variants_stay" BEFORE UPDATE ON "variants"
  FOR EACH ROW EXECUTE FUNCTION "keep_variants"();
