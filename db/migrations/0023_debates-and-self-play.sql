CREATE TABLE "debate_points" (
	"turn_id" bigint NOT NULL,
	"critic" text NOT NULL,
	"outcome" text NOT NULL,
	"score" double precision,
	"line" integer,
	"reason" text NOT NULL,
	"reply" text NOT NULL,
	"call_id" bigint NOT NULL,
	"cache_key" text,
	"cached" boolean DEFAULT false NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "debate_points_turn_id_critic_pk" PRIMARY KEY("turn_id","critic")
);
--> statement-breakpoint
CREATE TABLE "debate_turns" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "debate_turns_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"prompt_id" bigint NOT NULL,
	"round" integer NOT NULL,
	"agent" integer NOT NULL,
	"action" text NOT NULL,
	"call_id" bigint,
	"checkpoint_id" bigint,
	"rewrite" text NOT NULL,
	"strategy" text NOT NULL,
	"request" text NOT NULL,
	"reply" text NOT NULL,
	"rationale" text NOT NULL,
	"kept_lines" integer DEFAULT 0 NOT NULL,
	"answer" text,
	"format_ok" boolean NOT NULL,
	"format_reason" text NOT NULL,
	"coherence_ok" boolean NOT NULL,
	"coherence_reason" text NOT NULL,
	"finish_reason" text NOT NULL,
	"completion_tokens" integer NOT NULL,
	"work_tokens" integer NOT NULL,
	"fingerprint" text,
	"seed" bigint NOT NULL,
	"cache_key" text,
	"cached" boolean DEFAULT false NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "debate_turns_prompt_id_round_agent_unique" UNIQUE("prompt_id","round","agent")
);
--> statement-breakpoint
CREATE TABLE "debates" (
	"prompt_id" bigint PRIMARY KEY NOT NULL,
	"status" text DEFAULT 'open' NOT NULL,
	"answer" text,
	"votes" integer,
	"runner_up_votes" integer,
	"unreadable" integer,
	"agents" integer NOT NULL,
	"rounds" integer,
	"tokens" bigint,
	"reason" text,
	"beside_answer" text,
	"beside_votes" integer,
	"beside_runner_up_votes" integer,
	"beside_samples" integer,
	"beside_tokens" bigint,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"argued_at" timestamp with time zone,
	"closed_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "self_play" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "self_play_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"iteration_id" bigint NOT NULL,
	"sample_id" bigint NOT NULL,
	"try" integer NOT NULL,
	"by" text NOT NULL,
	"kind" text NOT NULL,
	"call_id" bigint,
	"seed" bigint NOT NULL,
	"rationale" text NOT NULL,
	"answer" text,
	"outcome" text NOT NULL,
	"known_by" text,
	"score" double precision,
	"reason" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"judged_at" timestamp with time zone,
	CONSTRAINT "self_play_sample_id_try_unique" UNIQUE("sample_id","try")
);
--> statement-breakpoint
ALTER TABLE "calibrations" DROP CONSTRAINT "calibrations_iteration_id_level_unique";--> statement-breakpoint
ALTER TABLE "calibrations" ADD COLUMN "debated" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "votes" ADD COLUMN "debated" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "debate_points" ADD CONSTRAINT "debate_points_turn_id_debate_turns_id_fk" FOREIGN KEY ("turn_id") REFERENCES "public"."debate_turns"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "debate_points" ADD CONSTRAINT "debate_points_call_id_model_calls_id_fk" FOREIGN KEY ("call_id") REFERENCES "public"."model_calls"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "debate_turns" ADD CONSTRAINT "debate_turns_prompt_id_debates_prompt_id_fk" FOREIGN KEY ("prompt_id") REFERENCES "public"."debates"("prompt_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "debate_turns" ADD CONSTRAINT "debate_turns_call_id_model_calls_id_fk" FOREIGN KEY ("call_id") REFERENCES "public"."model_calls"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "debate_turns" ADD CONSTRAINT "debate_turns_checkpoint_id_checkpoints_id_fk" FOREIGN KEY ("checkpoint_id") REFERENCES "public"."checkpoints"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "debates" ADD CONSTRAINT "debates_prompt_id_prompts_id_fk" FOREIGN KEY ("prompt_id") REFERENCES "public"."prompts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "self_play" ADD CONSTRAINT "self_play_iteration_id_iterations_id_fk" FOREIGN KEY ("iteration_id") REFERENCES "public"."iterations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "self_play" ADD CONSTRAINT "self_play_sample_id_samples_id_fk" FOREIGN KEY ("sample_id") REFERENCES "public"."samples"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "self_play" ADD CONSTRAINT "self_play_call_id_model_calls_id_fk" FOREIGN KEY ("call_id") REFERENCES "public"."model_calls"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "debate_points_cache_key_index" ON "debate_points" USING btree ("cache_key");--> statement-breakpoint
CREATE INDEX "debate_turns_cache_key_index" ON "debate_turns" USING btree ("cache_key");--> statement-breakpoint
CREATE INDEX "self_play_iteration_id_index" ON "self_play" USING btree ("iteration_id");--> statement-breakpoint
ALTER TABLE "calibrations" ADD CONSTRAINT "calibrations_iteration_id_level_debated_unique" UNIQUE NULLS NOT DISTINCT("iteration_id","level","debated");
--> statement-breakpoint
-- Written by hand, since drizzle-kit knows no triggers. What a debate came to never changes, nor what the vote beside it did.
CREATE FUNCTION "keep_debate_outcomes"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the debate about prompt % is %: its outcome does not change any more', OLD."prompt_id", OLD."status"
    USING ERRCODE = 'check_violation';
END $$;
--> statement-breakpoint
CREATE TRIGGER "debates_keep_outcomes" BEFORE UPDATE ON "debates"
  FOR EACH ROW WHEN (OLD."status" = 'closed' OR (OLD."status" = 'argued' AND
    (NEW."answer", NEW."votes", NEW."runner_up_votes", NEW."unreadable", NEW."rounds", NEW."tokens")
    IS DISTINCT FROM (OLD."answer", OLD."votes", OLD."runner_up_votes", OLD."unreadable", OLD."rounds", OLD."tokens")))
  EXECUTE FUNCTION "keep_debate_outcomes"();
--> statement-breakpoint
CREATE FUNCTION "keep_debate_turns"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'turn % of round % about prompt % was taken: it does not change any more', OLD."agent", OLD."round", OLD."prompt_id"
    USING ERRCODE = 'check_violation';
END $$;
--> statement-breakpoint
CREATE TRIGGER "debate_turns_stay" BEFORE UPDATE ON "debate_turns"
  FOR EACH ROW EXECUTE FUNCTION "keep_debate_turns"();
--> statement-breakpoint
CREATE FUNCTION "keep_judged_tries"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'try % of sample % is %: it does not change any more', OLD."try", OLD."sample_id", OLD."outcome"
    USING ERRCODE = 'check_violation';
END $$;
--> statement-breakpoint
CREATE TRIGGER "self_play_stays_judged" BEFORE UPDATE ON "self_play"
  FOR EACH ROW WHEN (OLD."outcome" <> 'made') EXECUTE FUNCTION "keep_judged_tries"();
