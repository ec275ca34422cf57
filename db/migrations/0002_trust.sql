CREATE TABLE "leaks" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "leaks_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"iteration_id" bigint NOT NULL,
	"stage" text NOT NULL,
	"position" integer NOT NULL,
	"key" text NOT NULL,
	"text" text NOT NULL,
	"example_id" bigint,
	"benchmark" text NOT NULL,
	"item_key" text NOT NULL,
	"kind" text NOT NULL,
	"similarity" double precision NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "leaks_iteration_id_stage_position_unique" UNIQUE("iteration_id","stage","position")
);
--> statement-breakpoint
CREATE TABLE "majority_items" (
	"item_id" bigint PRIMARY KEY NOT NULL,
	"samples" integer NOT NULL,
	"votes" integer NOT NULL,
	"runner_up_votes" integer NOT NULL,
	"answer" text,
	"correct" boolean NOT NULL
);
--> statement-breakpoint
CREATE TABLE "majority_samples" (
	"item_id" bigint NOT NULL,
	"index" integer NOT NULL,
	"rewrite" text NOT NULL,
	"strategy" text NOT NULL,
	"rationale" text NOT NULL,
	"answer" text,
	"call_id" bigint NOT NULL,
	CONSTRAINT "majority_samples_item_id_index_pk" PRIMARY KEY("item_id","index")
);
--> statement-breakpoint
CREATE TABLE "verifications" (
	"sample_id" bigint PRIMARY KEY NOT NULL,
	"ok" boolean,
	"score" double precision,
	"reason" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "leaks" ADD CONSTRAINT "leaks_iteration_id_iterations_id_fk" FOREIGN KEY ("iteration_id") REFERENCES "public"."iterations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "leaks" ADD CONSTRAINT "leaks_example_id_examples_id_fk" FOREIGN KEY ("example_id") REFERENCES "public"."examples"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "majority_items" ADD CONSTRAINT "majority_items_item_id_benchmark_items_id_fk" FOREIGN KEY ("item_id") REFERENCES "public"."benchmark_items"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "majority_samples" ADD CONSTRAINT "majority_samples_item_id_benchmark_items_id_fk" FOREIGN KEY ("item_id") REFERENCES "public"."benchmark_items"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "majority_samples" ADD CONSTRAINT "majority_samples_call_id_model_calls_id_fk" FOREIGN KEY ("call_id") REFERENCES "public"."model_calls"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "verifications" ADD CONSTRAINT "verifications_sample_id_samples_id_fk" FOREIGN KEY ("sample_id") REFERENCES "public"."samples"("id") ON DELETE no action ON UPDATE no action;