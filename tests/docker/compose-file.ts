/** docker-compose.yml and the Dockerfiles as data, for tests: what Compose would start, without Docker. */
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

export const repository = fileURLToPath(new URL('../../', import.meta.url));

export type Service = {
  image: string;
  build?: { context: string; dockerfile: string };
  profiles?: string[];
  entrypoint?: string[];
  command?: string[];
  environment?: Record<string, string>;
  healthcheck?: { test?: string[]; disable?: boolean };
  depends_on?: Record<string, { condition: string }>;
  networks?: string[] | Record<string, { aliases?: string[] }>;
  ports?: string[];
  volumes?: string[];
  restart?: string;
};

export type ComposeFile = {
  services: Record<string, Service>;
  networks: Record<string, { internal?: boolean }>;
  volumes: Record<string, unknown>;
};

export function readCompose(): ComposeFile {
  return parse(readFileSync(join(repository, 'docker-compose.yml'), 'utf8'), { merge: true }) as ComposeFile;
}

/** `${NAME:-default}` and `${NAME:?message}`, as Compose fills them in. @throws Error for a missing required one */
function interpolate(text: string, variables: Record<string, string>): string {
  return text.replaceAll(/\$\{(\w+)(?::([-?])([^}]*))?\}/g, (_all, name: string, kind, rest: string) => {
    if (variables[name]) return variables[name];
    if (kind === '?') throw new Error(`${name}: ${rest}`);
    return rest ?? '';
  });
}

/** A service's environment as its container sees it. */
export function environmentOf(service: Service, variables: Record<string, string>): Record<string, string> {
  const entries = Object.entries(service.environment ?? {});
  return Object.fromEntries(entries.map(([name, value]) => [name, interpolate(String(value), variables)]));
}

export type Instruction = { name: string; rest: string };

/** A Dockerfile's instructions; continued lines are joined. */
export function readDockerfile(path: string): Instruction[] {
  return readFileSync(join(repository, path), 'utf8')
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n')
    .replaceAll('\\\n', ' ')
    .split('\n')
    .filter((line) => line.trim())
    .map((line) => {
      const [, name, rest] = /^(\w+)\s+(.*)$/.exec(line)!;
      return { name: name!, rest: rest! };
    });
}

/** The last CMD or ENTRYPOINT of a Dockerfile, in its JSON form. */
export function commandIn(dockerfile: Instruction[], name: 'CMD' | 'ENTRYPOINT'): string[] {
  const found = dockerfile.findLast((instruction) => instruction.name === name);
  return found ? (JSON.parse(found.rest) as string[]) : [];
}

/** The words after CMD of a HEALTHCHECK. */
export function healthCommandIn(dockerfile: Instruction[]): string[] {
  const found = dockerfile.findLast(({ name }) => name === 'HEALTHCHECK');
  return JSON.parse(/CMD\s+(\[.*\])$/.exec(found?.rest ?? '')?.[1] ?? '[]') as string[];
}

/** What the last stage copies from the repository: source and target below the working folder. */
export function copiesOf(dockerfile: Instruction[]): { from: string; to: string }[] {
  const last = dockerfile.findLastIndex(({ name }) => name === 'FROM');
  return dockerfile
    .slice(last)
    .filter(({ name, rest }) => name === 'COPY' && !rest.startsWith('--from'))
    .map(({ rest }) => {
      const [from, to] = rest.split(/\s+/) as [string, string];
      return { from, to: to.endsWith('/') ? join(to, from.split('/').at(-1)!) : to };
    });
}

/** Lays out an image's working folder: only what its Dockerfile copies, with the dependencies linked in. */
export function layOutImage(dockerfile: Instruction[], folder: string): void {
  for (const { from, to } of copiesOf(dockerfile)) {
    const target = join(folder, to);
    mkdirSync(dirname(target), { recursive: true });
    cpSync(join(repository, from), target, { recursive: true });
  }
  const modules = join(repository, 'node_modules');
  if (existsSync(modules)) symlinkSync(modules, join(folder, 'node_modules'));
}

/** A file that goes over the first one: what it takes out (`!reset`), and its services. Values of `!override` stand in place of those below. */
export function readOverride(path: string): { removed: string[]; services: Record<string, Service> } {
  const tag = (name: string) => ({ tag: name, resolve: (value: unknown) => value });
  const { services } = parse(readFileSync(join(repository, path), 'utf8'), {
    merge: true,
    customTags: [tag('!reset'), { ...tag('!override'), collection: 'map' as const }],
  }) as { services: Record<string, Service | string> };
  const entries = Object.entries(services);
  return {
    removed: entries.filter(([, service]) => service === 'null').map(([name]) => name),
    services: Object.fromEntries(
      entries.filter((one): one is [string, Service] => typeof one[1] !== 'string'),
    ),
  };
}
