// The stack's commands alone, as a program that tests can start and kill.
import { Command } from 'commander';
import { addStackCommands } from '../../cli/commands/stack.ts';

const program = new Command('ratchet');
addStackCommands(program);
await program.parseAsync();
