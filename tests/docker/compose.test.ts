import { spawnSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { workerEnvironment, workerSchema } from '../../workers/environment.ts';
import { TASK_QUEUE } from '../../workflows/names.ts';
import {
  commandIn,
  copiesOf,
  environmentOf,
  healthCommandIn,
  readCompose,
  readDockerfile,
  readOverride,
  repository,
} from './compose-file.ts';

const compose = readCompose();
const services = Object.entries(compose.services);
const dockerfiles = ['docker/worker.Dockerfile', 'docker/modelserver.Dockerfile'];
const secret = /PASS|PWD|SECRET|TOKEN|API_KEY/;
const variables = { POSTGRES_PASSWORD: 'chosen by the user' };

const workers = services.filter(([, service]) => service.environment?.RATCHET_QUEUES);
const waitedToEnd = new Set(
  services.flatMap(([, { depends_on = {} }]) =>
    Object.entries(depends_on)
      .filter(([, { condition }]) => condition === 'service_completed_successfully')
      .map(([name]) => name),
  ),
);
const isChecked = (name: string) => Boolean(compose.services[name]?.healthcheck?.test?.length);

describe('docker-compose.yml', () => {
  it('checks the health of every service that stays, and waits for the others to end', () => {
    for (const [name, service] of services) {
      if (waitedToEnd.has(name)) expect(service.restart, name).toBe('on-failure');
      else {
        expect(isChecked(name), name).toBe(true);
        expect(service.restart, name).toBe('unless-stopped');
      }
    }
  });

  it('starts things in an order that can be met', () => {
    for (const [name, { depends_on = {}, profiles = [] }] of services) {
      for (const [other, { condition }] of Object.entries(depends_on)) {
        const needed = compose.services[other];
        expect(needed, `${name} needs ${other}`).toBeDefined();
        // A service of a profile that is off would keep the others from starting.
        expect(needed!.profiles ?? profiles, `${name} needs ${other}`).toEqual(profiles);
        if (condition === 'service_healthy') expect(isChecked(other), other).toBe(true);
      }
    }
  });

  it('pins every image', () => {
    for (const [name, { image, build }] of services) {
      if (build) expect(existsSync(join(repository, build.dockerfile)), name).toBe(true);
      else expect(image, name).toMatch(/^[^:]+:v?\d+\.\d+/);
    }
  });

  it('publishes on the loopback address only, and the model servers not at all', () => {
    for (const [name, { ports = [] }] of services)
      for (const port of ports) expect(port, name).toMatch(/^127\.0\.0\.1:/);
    for (const name of ['modelserver', 'vllm', 'trainer']) {
      const { networks, ports } = compose.services[name]!;
      expect(ports, name).toBeUndefined();
      expect(Array.isArray(networks) ? networks : Object.keys(networks!), name).toEqual(['models']);
    }
    expect(compose.networks.models).toEqual({ internal: true });
  });

  it('holds no secret: each comes from the environment and has no default', () => {
    const given = services.flatMap(([name, { environment = {} }]) =>
      Object.entries(environment)
        .filter(([key]) => secret.test(key))
        .map(([key, value]) => `${name}.${key}=${value}`),
    );
    expect(given.length).toBeGreaterThan(5);
    for (const entry of given) expect(entry).toMatch(/=\$\{\w+(:\?[^}]*|:-)\}$/);
    for (const [name, service] of services)
      expect(JSON.stringify(service), name).not.toMatch(/:\/\/[^/@"]*:[^/@"]*@/);
    const example = readFileSync(join(repository, '.env.example'), 'utf8').matchAll(/^#?(\w+)=(.*)$/gm);
    for (const [, key, value] of example) if (secret.test(key!)) expect(`${key}=${value}`).toBe(`${key}=`);
  });

  it('refuses to start without a password', () => {
    expect(() => environmentOf(compose.services.postgres!, {})).toThrow('POSTGRES_PASSWORD: set it in .env');
  });

  it('gives workers only variables that they read, with values that they accept', () => {
    const known = Object.keys(workerSchema.shape);
    for (const [name, service] of workers) {
      const unknown = Object.keys(service.environment!).filter((key) => !known.includes(key));
      expect(
        unknown.filter((key) => !key.endsWith('_API_KEY')),
        name,
      ).toEqual([]);
      expect(() => workerEnvironment(environmentOf(service, variables)), name).not.toThrow();
    }
  });

  it('serves every task queue by a service of its own', () => {
    const queues = workers.map(([, service]) => service.environment!.RATCHET_QUEUES);
    // Containers in a container need rights that none of these services has (docs/sandbox.md).
    const served = Object.keys(TASK_QUEUE).filter((queue) => queue !== 'sandbox');
    expect(new Set(queues)).toEqual(new Set(served));
    expect(queues).toHaveLength(served.length);
  });

  it('shows the trainer and vLLM the adapters under one path, which only the trainer may write', () => {
    const entrypoint = commandIn(readDockerfile('docker/modelserver.Dockerfile'), 'ENTRYPOINT');
    const data = entrypoint[entrypoint.indexOf('--data') + 1];
    expect(compose.services.modelserver!.volumes).toContain(`adapters:${data}`);
    expect(compose.services.trainer!.volumes).toContain(`adapters:${data}`);
    expect(compose.services.vllm!.volumes).toContain(`adapters:${data}:ro`);
    expect(Object.keys(compose.volumes)).toEqual(['postgres', 'adapters']);
  });
});

describe('docker/compose.outside-temporal.yml', () => {
  const { removed, services: over } = readOverride('docker/compose.outside-temporal.yml');

  it('takes Temporal out, and nothing that stays waits for it', () => {
    expect(removed).toEqual(['temporal', 'temporal-schema', 'temporal-ui', 'ui-door']);
    for (const [name, service] of services) {
      if (removed.includes(name)) continue;
      const needed = Object.keys(over[name]?.depends_on ?? service.depends_on ?? {});
      expect(
        needed.filter((other) => removed.includes(other)),
        name,
      ).toEqual([]);
    }
  });

  it('tells everyone who asks Temporal where it is, in variables that they read', () => {
    const asking = services.filter(([name, { environment }]) => {
      return !removed.includes(name) && environment?.TEMPORAL_ADDRESS !== undefined;
    });
    expect(Object.keys(over).toSorted()).toEqual(asking.map(([name]) => name).toSorted());
    const env = { ...variables, TEMPORAL_ADDRESS: 'temporal.internal:7233', TEMPORAL_API_KEY: 'k' };
    for (const [name, service] of workers) {
      const merged = { ...service, environment: { ...service.environment, ...over[name]!.environment } };
      const unknown = Object.keys(over[name]!.environment!).filter((key) => !(key in workerSchema.shape));
      expect(unknown, name).toEqual([]);
      expect(workerEnvironment(environmentOf(merged, env)).temporal, name).toMatchObject({
        address: 'temporal.internal:7233',
        apiKey: 'k',
      });
    }
    expect(() => environmentOf(over['worker-llm']!, variables)).toThrow('TEMPORAL_ADDRESS: set it in .env');
  });
});

describe.each(dockerfiles)('%s', (path) => {
  const dockerfile = readDockerfile(path);

  it('starts from pinned images, ends as an unprivileged user, and checks its health', () => {
    for (const { name, rest } of dockerfile)
      if (name === 'FROM') expect(rest).toMatch(/^[\w./-]+:\d+\.\d+\.\d+/);
    expect(Number(dockerfile.findLast(({ name }) => name === 'USER')?.rest)).toBeGreaterThan(0);
    expect(healthCommandIn(dockerfile).length).toBeGreaterThan(0);
  });

  it('copies what exists, and bakes no secret in', () => {
    for (const { from } of copiesOf(dockerfile)) expect(existsSync(join(repository, from)), from).toBe(true);
    for (const { name, rest } of dockerfile)
      if (name === 'ARG' || name === 'ENV') expect(rest).not.toMatch(secret);
  });
});

it('the image of the workers has every room', () => {
  // A room that is left out is missed when a process starts, not when the image is made.
  const copied = new Set(copiesOf(readDockerfile('docker/worker.Dockerfile')).map(({ from }) => from));
  const rooms = globSync('*/**/*.{ts,tsx}', {
    cwd: repository,
    exclude: ['node_modules', '.ratchet', 'dist'],
  })
    .map((file) => file.split('/')[0]!)
    .filter((room) => !['tests', 'bench', 'examples', 'modelserver', 'packaging'].includes(room));
  for (const room of new Set(rooms)) expect(copied, room).toContain(room);
});

it('keeps secrets and data out of the build context', () => {
  const ignored = readFileSync(join(repository, '.dockerignore'), 'utf8').split('\n');
  expect(ignored).toEqual(expect.arrayContaining(['.env', '.env.*', '.git', '.ratchet', '**/node_modules']));
});

/** `docker compose`, else a `docker-compose`; undefined where there is neither. */
function composeTool(): string[] | undefined {
  return [['docker', 'compose'], ['docker-compose']].find(
    ([program, ...args]) => spawnSync(program!, [...args, 'version']).status === 0,
  );
}

describe('the tools of others', () => {
  const tool = composeTool();
  const config = (profile: string, env: Record<string, string>) =>
    spawnSync(tool![0]!, [...tool!.slice(1), '--env-file', '.env.example', '--profile', profile, 'config'], {
      cwd: repository,
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
      encoding: 'utf8',
    });

  for (const profile of ['cpu', 'gpu']) {
    it(`Compose accepts the file with profile ${profile}, and not without a password`, (context) => {
      if (!tool) return context.skip('there is neither `docker compose` nor `docker-compose` here');
      const { status, stdout, stderr } = config(profile, variables);
      expect(stderr).toBe('');
      expect(status).toBe(0);
      const { services: started } = parse(stdout) as { services: Record<string, unknown> };
      const expected = services.filter(([, { profiles }]) => !profiles || profiles.includes(profile));
      expect(Object.keys(started)).toEqual(expect.arrayContaining(expected.map(([name]) => name)));

      const refused = config(profile, {});
      expect(refused.status).not.toBe(0);
      expect(refused.stderr).toContain('POSTGRES_PASSWORD');
    });
  }

  it('hadolint finds nothing in the Dockerfiles', (context) => {
    if (spawnSync('hadolint', ['--version']).status !== 0) return context.skip('there is no hadolint here');
    const { stdout } = spawnSync('hadolint', dockerfiles, { cwd: repository, encoding: 'utf8' });
    expect(stdout).toBe('');
  });
});
