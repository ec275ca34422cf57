CREATE TABLE "memory_answers" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "memory_answers_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"problem_id" bigint NOT NULL,
	"checkpoint_id" bigint NOT NULL,
	"shown" text NOT NULL,
	"rationale" text NOT NULL,
	"answer" text,
	"correct" boolean,
	"fingerprint" text,
	"call_id" bigint NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "memory_answers_problem_id_checkpoint_id_shown_unique" UNIQUE("problem_id","checkpoint_id","shown")
);
--> statement-breakpoint
CREATE TABLE "memory_entries" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "memory_entries_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"task" text NOT NULL,
	"kind" text NOT NULL,
	"request" text,
	"text" text NOT NULL,
	"tokens" integer NOT NULL,
	"by" text NOT NULL,
	"iteration_id" bigint,
	"call_id" bigint,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "memory_request" CHECK (("memory_entries"."kind" = 'pattern') = ("memory_entries"."request" is not null))
);
--> statement-breakpoint
CREATE TABLE "memory_problems" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "memory_problems_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"iteration_id" bigint NOT NULL,
	"position" integer NOT NULL,
	"key" text NOT NULL,
	"text" text NOT NULL,
	"level" integer,
	"answer" text NOT NULL,
	CONSTRAINT "memory_problems_iteration_id_position_unique" UNIQUE("iteration_id","position")
);
--> statement-breakpoint
CREATE TABLE "memory_shown" (
	"sample_id" bigint NOT NULL,
	"position" integer NOT NULL,
	"entry_id" bigint NOT NULL,
	CONSTRAINT "memory_shown_sample_id_position_pk" PRIMARY KEY("sample_id","position")
);
--> statement-breakpoint
CREATE TABLE "memory_sources" (
	"entry_id" bigint NOT NULL,
	"position" integer NOT NULL,
	"key" text NOT NULL,
	"text" text NOT NULL,
	"level" integer,
	"example_id" bigint,
	CONSTRAINT "memory_sources_entry_id_position_pk" PRIMARY KEY("entry_id","position")
);
--> statement-breakpoint
CREATE TABLE "memory_states" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "memory_states_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"entry_id" bigint NOT NULL,
	"state" text NOT NULL,
	"weights" text,
	"test_id" bigint,
	"reason" text NOT NULL,
	"by" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "memory_states_entry_id_test_id_unique" UNIQUE("entry_id","test_id")
);
--> statement-breakpoint
CREATE TABLE "memory_test_entries" (
	"test_id" bigint NOT NULL,
	"entry_id" bigint NOT NULL,
	CONSTRAINT "memory_test_entries_test_id_entry_id_pk" PRIMARY KEY("test_id","entry_id")
);
--> statement-breakpoint
CREATE TABLE "memory_tests" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "memory_tests_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"iteration_id" bigint NOT NULL,
	"number" integer NOT NULL,
	"checkpoint_id" bigint NOT NULL,
	"weights" text NOT NULL,
	"problems" integer NOT NULL,
	"level" double precision NOT NULL,
	"admitted" boolean,
	"measured" integer,
	"right_without" integer,
	"right_with" integer,
	"fixed" integer,
	"broken" integer,
	"p_value" double precision,
	"classes" jsonb,
	"reason" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"finished_at" timestamp with time zone,
	CONSTRAINT "memory_tests_iteration_id_number_unique" UNIQUE("iteration_id","number")
);
--> statement-breakpoint
CREATE TABLE "memory_trials" (
	"test_id" bigint NOT NULL,
	"position" integer NOT NULL,
	"problem_id" bigint NOT NULL,
	"shown_without" text NOT NULL,
	"shown_with" text NOT NULL,
	CONSTRAINT "memory_trials_test_id_position_pk" PRIMARY KEY("test_id","position")
);
--> statement-breakpoint
ALTER TABLE "memory_answers" ADD CONSTRAINT "memory_answers_problem_id_memory_problems_id_fk" FOREIGN KEY ("problem_id") REFERENCES "public"."memory_problems"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "memory_answers" ADD CONSTRAINT "memory_answers_checkpoint_id_checkpoints_id_fk" FOREIGN KEY ("checkpoint_id") REFERENCES "public"."checkpoints"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "memory_answers" ADD CONSTRAINT "memory_answers_call_id_model_calls_id_fk" FOREIGN KEY ("call_id") REFERENCES "public"."model_calls"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "memory_entries" ADD CONSTRAINT "memory_entries_iteration_id_iterations_id_fk" FOREIGN KEY ("iteration_id") REFERENCES "public"."iterations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "memory_entries" ADD CONSTRAINT "memory_entries_call_id_model_calls_id_fk" FOREIGN KEY ("call_id") REFERENCES "public"."model_calls"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "memory_problems" ADD CONSTRAINT "memory_problems_iteration_id_iterations_id_fk" FOREIGN KEY ("iteration_id") REFERENCES "public"."iterations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "memory_shown" ADD CONSTRAINT "memory_shown_sample_id_samples_id_fk" FOREIGN KEY ("sample_id") REFERENCES "public"."samples"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "memory_shown" ADD CONSTRAINT "memory_shown_entry_id_memory_entries_id_fk" FOREIGN KEY ("entry_id") REFERENCES "public"."memory_entries"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "memory_sources" ADD CONSTRAINT "memory_sources_entry_id_memory_entries_id_fk" FOREIGN KEY ("entry_id") REFERENCES "public"."memory_entries"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "memory_sources" ADD CONSTRAINT "memory_sources_example_id_examples_id_fk" FOREIGN KEY ("example_id") REFERENCES "public"."examples"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "memory_states" ADD CONSTRAINT "memory_states_entry_id_memory_entries_id_fk" FOREIGN KEY ("entry_id") REFERENCES "public"."memory_entries"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "memory_states" ADD CONSTRAINT "memory_states_test_id_memory_tests_id_fk" FOREIGN KEY ("test_id") REFERENCES "public"."memory_tests"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "memory_test_entries" ADD CONSTRAINT "memory_test_entries_test_id_memory_tests_id_fk" FOREIGN KEY ("test_id") REFERENCES "public"."memory_tests"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "memory_test_entries" ADD CONSTRAINT "memory_test_entries_entry_id_memory_entries_id_fk" FOREIGN KEY ("entry_id") REFERENCES "public"."memory_entries"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "memory_tests" ADD CONSTRAINT "memory_tests_iteration_id_iterations_id_fk" FOREIGN KEY ("iteration_id") REFERENCES "public"."iterations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "memory_tests" ADD CONSTRAINT "memory_tests_checkpoint_id_checkpoints_id_fk" FOREIGN KEY ("checkpoint_id") REFERENCES "public"."checkpoints"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "memory_trials" ADD CONSTRAINT "memory_trials_test_id_memory_tests_id_fk" FOREIGN KEY ("test_id") REFERENCES "public"."memory_tests"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "memory_trials" ADD CONSTRAINT "memory_trials_problem_id_memory_problems_id_fk" FOREIGN KEY ("problem_id") REFERENCES "public"."memory_problems"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "memory_entries_text" ON "memory_entries" USING btree ("task",md5(coalesce("request", '')),md5("text"));--> statement-breakpoint
CREATE INDEX "memory_shown_entry_id_index" ON "memory_shown" USING btree ("entry_id");--> statement-breakpoint
CREATE INDEX "memory_sources_key" ON "memory_sources" USING btree (md5("key"));--> statement-breakpoint
CREATE INDEX "memory_sources_example" ON "memory_sources" USING btree ("example_id");--> statement-breakpoint
CREATE INDEX "memory_states_entry_id_id_index" ON "memory_states" USING btree ("entry_id","id");--> statement-breakpoint
CREATE UNIQUE INDEX "memory_states_revoked" ON "memory_states" USING btree ("entry_id") WHERE "memory_states"."state" = 'revoked';--> statement-breakpoint
CREATE UNIQUE INDEX "memory_states_stale" ON "memory_states" USING btree ("entry_id","weights") WHERE "memory_states"."state" = 'stale';--> statement-breakpoint
CREATE INDEX "memory_test_entries_entry_id_index" ON "memory_test_entries" USING btree ("entry_id");--> statement-breakpoint
-- Written by hand, since drizzle-kit knows no triggers. What an entry is and what became of it are only added to.
CREATE FUNCTION "keep_memory"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'rows of % are never changed or deleted', TG_TABLE_NAME USING ERRCODE = 'check_violation';
END $$;--> statement-breakpoint
CREATE TRIGGER "keep_memory" BEFORE UPDATE OR DELETE OR TRUNCATE ON "memory_entries"
	FOR EACH STATEMENT EXECUTE FUNCTION "keep_memory"();--> statement-breakpoint
CREATE TRIGGER "keep_memory" BEFORE UPDATE OR DELETE OR TRUNCATE ON "memory_sources"
	FOR EACH STATEMENT EXECUTE FUNCTION "keep_memory"();--> statement-breakpoint
CREATE TRIGGER "keep_memory" BEFORE UPDATE OR DELETE OR TRUNCATE ON "memory_states"
	FOR EACH STATEMENT EXECUTE FUNCTION "keep_memory"();--> statement-breakpoint
-- What is revoked stays so: a test that was under way says nothing of it any more.
CREATE FUNCTION "keep_revoked_memory"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM 1 FROM "memory_states" s WHERE s."entry_id" = NEW."entry_id" AND s."state" = 'revoked';
	IF FOUND THEN RETURN NULL; END IF;
	RETURN NEW;
END $$;--> statement-breakpoint
CREATE TRIGGER "keep_revoked_memory" BEFORE INSERT ON "memory_states"
	FOR EACH ROW EXECUTE FUNCTION "keep_revoked_memory"();--> statement-breakpoint
-- No problem is asked beside an entry that was made of it, and none beside one that was made of a held-out problem of the run.
CREATE FUNCTION "memory_tells"("entry" bigint, "asked" text, "run" text) RETURNS boolean LANGUAGE sql STABLE AS $$
	SELECT EXISTS (SELECT 1 FROM "memory_sources" s WHERE s."entry_id" = "entry" AND (s."key" = "asked"
		OR EXISTS (SELECT 1 FROM "benchmark_items" b WHERE b."run_id" = "run" AND md5(b."key") = md5(s."key"))))
$$;--> statement-breakpoint
CREATE FUNCTION "refuse_telling_memory"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM 1 FROM "samples" s JOIN "prompts" p ON p."id" = s."prompt_id" JOIN "iterations" i ON i."id" = p."iteration_id"
		WHERE s."id" = NEW."sample_id" AND "memory_tells"(NEW."entry_id", p."key", i."run_id");
	IF FOUND THEN
		RAISE EXCEPTION 'memory % was made of the problem of sample %, or of a held-out one', NEW."entry_id", NEW."sample_id"
			USING ERRCODE = 'check_violation';
	END IF;
	RETURN NEW;
END $$;--> statement-breakpoint
CREATE TRIGGER "refuse_telling_memory" BEFORE INSERT OR UPDATE ON "memory_shown"
	FOR EACH ROW EXECUTE FUNCTION "refuse_telling_memory"();--> statement-breakpoint
CREATE FUNCTION "refuse_telling_trials"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM 1 FROM "memory_problems" p JOIN "iterations" i ON i."id" = p."iteration_id",
			unnest(string_to_array(concat_ws(',', nullif(NEW."shown_with", ''), nullif(NEW."shown_without", '')), ',')) AS shown("id")
		WHERE p."id" = NEW."problem_id" AND "memory_tells"(shown."id"::bigint, p."key", i."run_id");
	IF FOUND THEN
		RAISE EXCEPTION 'an entry of test % was made of its problem %, or of a held-out one', NEW."test_id", NEW."problem_id"
			USING ERRCODE = 'check_violation';
	END IF;
	RETURN NEW;
END $$;--> statement-breakpoint
CREATE TRIGGER "refuse_telling_trials" BEFORE INSERT OR UPDATE ON "memory_trials"
	FOR EACH ROW EXECUTE FUNCTION "refuse_telling_trials"();
