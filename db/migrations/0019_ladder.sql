CREATE TABLE "ladder_nodes" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "ladder_nodes_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"prompt_id" bigint NOT NULL,
	"path" text NOT NULL,
	"depth" integer NOT NULL,
	"kind" text,
	"key" text NOT NULL,
	"text" text NOT NULL,
	"level" integer,
	"status" text DEFAULT 'open' NOT NULL,
	"answer" text,
	"votes" integer,
	"runner_up_votes" integer,
	"samples" integer,
	"checkpoint_id" bigint NOT NULL,
	"reason" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"closed_at" timestamp with time zone,
	CONSTRAINT "ladder_nodes_prompt_id_path_unique" UNIQUE("prompt_id","path")
);
--> statement-breakpoint
CREATE TABLE "ladder_samples" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "ladder_samples_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"node_id" bigint NOT NULL,
	"index" integer NOT NULL,
	"call_id" bigint,
	"rewrite" text NOT NULL,
	"strategy" text NOT NULL,
	"request" text NOT NULL,
	"rationale" text NOT NULL,
	"answer" text,
	"ok" boolean NOT NULL,
	"reason" text NOT NULL,
	"finish_reason" text NOT NULL,
	"completion_tokens" integer NOT NULL,
	"fingerprint" text,
	"seed" bigint,
	"cache_key" text,
	"cached" boolean DEFAULT false NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "ladder_samples_node_id_index_unique" UNIQUE("node_id","index")
);
--> statement-breakpoint
ALTER TABLE "ladder_nodes" ADD CONSTRAINT "ladder_nodes_prompt_id_prompts_id_fk" FOREIGN KEY ("prompt_id") REFERENCES "public"."prompts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "ladder_nodes" ADD CONSTRAINT "ladder_nodes_checkpoint_id_checkpoints_id_fk" FOREIGN KEY ("checkpoint_id") REFERENCES "public"."checkpoints"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "ladder_samples" ADD CONSTRAINT "ladder_samples_node_id_ladder_nodes_id_fk" FOREIGN KEY ("node_id") REFERENCES "public"."ladder_nodes"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "ladder_samples" ADD CONSTRAINT "ladder_samples_call_id_model_calls_id_fk" FOREIGN KEY ("call_id") REFERENCES "public"."model_calls"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "ladder_nodes_open" ON "ladder_nodes" USING btree ("prompt_id") WHERE "ladder_nodes"."status" = 'open';--> statement-breakpoint
CREATE INDEX "ladder_samples_cache_key_index" ON "ladder_samples" USING btree ("cache_key");
--> statement-breakpoint
CREATE FUNCTION "keep_closed_ladder_nodes"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'node % of prompt % is %: it does not change any more', OLD."path", OLD."prompt_id", OLD."status"
    USING ERRCODE = 'check_violation';
END $$;
--> statement-breakpoint
CREATE TRIGGER "ladder_nodes_stay_closed" BEFORE UPDATE ON "ladder_nodes"
  FOR EACH ROW WHEN (OLD."status" <> 'open') EXECUTE FUNCTION "keep_closed_ladder_nodes"();
