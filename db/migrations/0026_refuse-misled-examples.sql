-- Written by hand, since drizzle-kit knows no triggers. What saw a memory entry that is revoked becomes no example: an entry may be
-- revoked while the iteration goes on that showed it, so the row is left out and the stage goes on.
CREATE FUNCTION "keep_misled_examples_out"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM 1 FROM "memory_shown" seen JOIN "memory_states" st ON st."entry_id" = seen."entry_id" AND st."state" = 'revoked'
		WHERE seen."sample_id" = NEW."sample_id";
	IF FOUND THEN RETURN NULL; END IF;
	RETURN NEW;
END $$;--> statement-breakpoint
CREATE TRIGGER "keep_misled_examples_out" BEFORE INSERT ON "examples"
	FOR EACH ROW EXECUTE FUNCTION "keep_misled_examples_out"();
