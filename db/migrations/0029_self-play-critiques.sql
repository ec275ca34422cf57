CREATE TABLE "self_play_critiques" (
	"try_id" bigint NOT NULL,
	"critic" text NOT NULL,
	"outcome" text NOT NULL,
	"score" double precision,
	"reason" text NOT NULL,
	"call_id" bigint,
	CONSTRAINT "self_play_critiques_try_id_critic_pk" PRIMARY KEY("try_id","critic")
);
--> statement-breakpoint
ALTER TABLE "self_play_critiques" ADD CONSTRAINT "self_play_critiques_try_id_self_play_id_fk" FOREIGN KEY ("try_id") REFERENCES "public"."self_play"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "self_play_critiques" ADD CONSTRAINT "self_play_critiques_call_id_model_calls_id_fk" FOREIGN KEY ("call_id") REFERENCES "public"."model_calls"("id") ON DELETE no action ON UPDATE no action;