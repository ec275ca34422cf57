CREATE TABLE "studies" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"subject" jsonb NOT NULL,
	"settings" jsonb NOT NULL,
	"hypotheses" integer NOT NULL,
	"ending" text,
	"claims" jsonb,
	"follow_ups" jsonb,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"finished_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "study_experiments" (
	"study_id" text NOT NULL,
	"number" integer NOT NULL,
	"key" text NOT NULL,
	"option" integer NOT NULL,
	"settings" jsonb NOT NULL,
	"why" text NOT NULL,
	"expected" double precision,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"measured" double precision,
	"sigma" double precision,
	"failed" text,
	"observed_at" timestamp with time zone,
	"told" double precision,
	"leaders" jsonb,
	"alive" integer,
	CONSTRAINT "study_experiments_study_id_number_pk" PRIMARY KEY("study_id","number"),
	CONSTRAINT "study_experiments_key_unique" UNIQUE("key")
);
--> statement-breakpoint
CREATE TABLE "study_predictions" (
	"study_id" text NOT NULL,
	"number" integer NOT NULL,
	"hypothesis" text NOT NULL,
	"predicted" double precision NOT NULL,
	"spread" double precision NOT NULL,
	"risked" boolean NOT NULL,
	CONSTRAINT "study_predictions_study_id_number_hypothesis_pk" PRIMARY KEY("study_id","number","hypothesis")
);
--> statement-breakpoint
CREATE TABLE "study_refutations" (
	"study_id" text NOT NULL,
	"hypothesis" text NOT NULL,
	"number" integer NOT NULL,
	"chi_square" double precision NOT NULL,
	"freedom" integer NOT NULL,
	"p" double precision NOT NULL,
	CONSTRAINT "study_refutations_study_id_hypothesis_pk" PRIMARY KEY("study_id","hypothesis")
);
--> statement-breakpoint
ALTER TABLE "study_experiments" ADD CONSTRAINT "study_experiments_study_id_studies_id_fk" FOREIGN KEY ("study_id") REFERENCES "public"."studies"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "study_refutations_experiment" ON "study_refutations" USING btree ("study_id","number");