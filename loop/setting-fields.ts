/** The fields of a run's input, read off its schema: for the reference, the command and the launcher form. */
import { z } from 'zod';
import { improveInputSchema } from './input.ts';

export type SettingField = {
  /** Dotted path, as `--set` takes it. */
  path: string;
  /** `json`: a list or an object that is given whole. */
  kind: 'integer' | 'number' | 'boolean' | 'text' | 'choice' | 'json';
  choices?: string[];
  min?: number;
  max?: number;
  /** What holds where neither the input nor the task says anything; undefined: nothing does. */
  default?: unknown;
  help?: string;
};

/** A node of the JSON Schema, as far as it is read here. */
type Node = {
  type?: string;
  enum?: string[];
  properties?: Record<string, Node>;
  default?: unknown;
  description?: string;
  minimum?: number;
  exclusiveMinimum?: number;
  maximum?: number;
  exclusiveMaximum?: number;
};

/** The input's JSON Schema (draft 2020-12). */
export function inputJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(improveInputSchema, { io: 'input' }) as Record<string, unknown>;
}

/** All fields in the order of the schema; those inside lists and maps belong to the field that holds them. */
export function settingFields(): SettingField[] {
  return fieldsOf(inputJsonSchema() as Node, '');
}

function fieldsOf(node: Node, prefix: string): SettingField[] {
  return Object.entries(node.properties ?? {}).flatMap(([name, field]) => {
    const path = prefix + name;
    return field.properties ? fieldsOf(field, `${path}.`) : [fieldOf(path, field)];
  });
}

function fieldOf(path: string, node: Node): SettingField {
  // zod bounds every integer by what a double can hold.
  const within = (bound: number | undefined) =>
    bound !== undefined && Math.abs(bound) < Number.MAX_SAFE_INTEGER ? bound : undefined;
  return {
    path,
    kind: kindOf(node),
    choices: node.enum,
    min: within(node.minimum ?? node.exclusiveMinimum),
    max: within(node.maximum ?? node.exclusiveMaximum),
    default: node.default,
    help: node.description,
  };
}

function kindOf({ enum: choices, type }: Node): SettingField['kind'] {
  if (choices) return 'choice';
  if (type === 'integer' || type === 'number' || type === 'boolean') return type;
  return type === 'string' ? 'text' : 'json';
}
