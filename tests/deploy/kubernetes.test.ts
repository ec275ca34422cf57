/**
 * The manifests of deploy/kubernetes against the schemas of Kubernetes, of KEDA and of Temporal's Worker Controller; against what our processes
 * read; and, where there is a `kustomize` (or KUSTOMIZE names one), as it renders them.
 */
import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { validate as deployment } from 'kubernetes-models/_schemas/IoK8sApiAppsV1Deployment';
import { validate as job } from 'kubernetes-models/_schemas/IoK8sApiBatchV1Job';
import { validate as configMap } from 'kubernetes-models/_schemas/IoK8sApiCoreV1ConfigMap';
import { validate as namespace } from 'kubernetes-models/_schemas/IoK8sApiCoreV1Namespace';
import { validate as service } from 'kubernetes-models/_schemas/IoK8sApiCoreV1Service';
import { validate as serviceAccount } from 'kubernetes-models/_schemas/IoK8sApiCoreV1ServiceAccount';
import { ScaledObject } from '@kubernetes-models/keda/keda.sh/v1alpha1';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { gatewaySchema } from '../../gateway/environment.ts';
import { workerEnvironment, workerSchema } from '../../workers/environment.ts';
import { TASK_QUEUE } from '../../workflows/names.ts';

const folder = join(import.meta.dirname, '../../deploy/kubernetes');
const fixture = join(import.meta.dirname, '../fixtures/kubernetes/worker-controller.json');

type Json = Record<string, unknown>;
type Container = {
  image: string;
  command: string[];
  env: { name: string; value?: string }[];
  envFrom: Json[];
  securityContext: Json;
};
type Manifest = {
  apiVersion: string;
  kind: string;
  metadata: { name: string };
  spec: Json & { template: { spec: Json & { containers: Container[] } } };
};

const read = (path: string): Manifest[] =>
  parseAllDocuments(readFileSync(path, 'utf8')).map((one) => one.toJS() as Manifest);
const manifestsIn = (path: string) => read(join(folder, path));

type Validate = {
  (data: unknown): boolean;
  errors?: { instancePath: string; keyword?: string; message?: string }[] | null;
};

/** Of the controller's own kinds a copy of their schemas is kept; a field that they do not name is refused. */
function ofController(kind: 'WorkerDeployment' | 'Connection'): Validate {
  const strict = (schema: unknown): unknown => {
    if (Array.isArray(schema)) return schema.map(strict);
    if (typeof schema !== 'object' || schema === null) return schema;
    const entries = Object.entries(schema).map(([name, one]) => [name, strict(one)]);
    const closed = 'properties' in schema ? { additionalProperties: false } : {};
    return { ...(Object.fromEntries(entries) as Json), ...closed };
  };
  const kept = JSON.parse(readFileSync(fixture, 'utf8')) as Record<string, Json>;
  const spec = z.fromJSONSchema(strict(kept[kind]) as Parameters<typeof z.fromJSONSchema>[0]);
  const validate: Validate = (data) => {
    const result = spec.safeParse((data as Manifest).spec);
    validate.errors = result.error?.issues.map(({ path, message }) => ({
      instancePath: path.join('/'),
      message,
    }));
    return result.success;
  };
  return validate;
}

/** KEDA's schemas come as classes only. */
const scaledObject: Validate = (data) => {
  try {
    new ScaledObject(data as ConstructorParameters<typeof ScaledObject>[0]).validate();
    return true;
  } catch (error) {
    scaledObject.errors = [{ instancePath: '', message: (error as Error).message }];
    return false;
  }
};

const SCHEMAS: Record<string, Validate> = {
  'apps/v1 Deployment': deployment as Validate,
  'batch/v1 Job': job as Validate,
  'v1 ConfigMap': configMap as Validate,
  'v1 Namespace': namespace as Validate,
  'v1 Service': service as Validate,
  'v1 ServiceAccount': serviceAccount as Validate,
  'keda.sh/v1alpha1 ScaledObject': scaledObject,
  'temporal.io/v1alpha1 WorkerDeployment': ofController('WorkerDeployment'),
  'temporal.io/v1alpha1 Connection': ofController('Connection'),
};

/** Fields that a validator never looked at are none that the schema knows: the schemas themselves let any other field pass. */
function watched(data: unknown, path: string, unseen: Set<string>): unknown {
  if (typeof data !== 'object' || data === null) return data;
  for (const key of Object.keys(data)) unseen.add(`${path}/${key}`);
  const known = new Map<string | symbol, unknown>();
  return new Proxy(data, {
    get(target, key) {
      unseen.delete(`${path}/${String(key)}`);
      if (!known.has(key))
        known.set(
          key,
          watched((target as Record<string | symbol, unknown>)[key], `${path}/${String(key)}`, unseen),
        );
      return known.get(key);
    },
  });
}

function faultsOf(manifest: Manifest): string[] {
  const { apiVersion, kind, metadata, spec } = manifest;
  const name = `${kind} ${metadata.name}`;
  const validate = SCHEMAS[`${apiVersion} ${kind}`];
  if (!validate) return [`${name}: there is no schema of ${apiVersion}`];
  const unseen = new Set<string>();
  if (!validate(watched(manifest, '', unseen)))
    return (validate.errors ?? []).map((one) => `${name}: ${one.instancePath} ${one.message ?? one.keyword}`);
  // What lies below a field of free form is its user's.
  const unknown = [...unseen].filter(
    (path) =>
      !/^\/(metadata|data)\/|\/metadata\/(labels|annotations)\//.test(path) &&
      (!apiVersion.startsWith('temporal.io') ||
        (path.startsWith('/spec/') && !path.startsWith('/spec/template/'))),
  );
  const faults = unknown.map((path) => `${name}: ${path} is no field of ${kind}`);
  if (kind !== 'WorkerDeployment') return faults;
  // Its pods are a Deployment's.
  const pods = { selector: { matchLabels: {} }, template: spec.template };
  return [...faults, ...faultsOf({ apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec: pods })];
}

const base = globSync('base/*.yaml', { cwd: folder }).filter(
  (path) => basename(path) !== 'kustomization.yaml',
);
const inBase = base.flatMap(manifestsIn);
const overlay = [
  'overlays/autoscaled/scaled-objects.yaml',
  'overlays/worker-controller/connection.yaml',
].flatMap(manifestsIn);
const config = Object.fromEntries(
  readFileSync(join(folder, 'base/ratchet.env'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
);
const ofKind = (kind: string) => inBase.filter((one) => one.kind === kind);
const podsOf = (manifest: Manifest) => manifest.spec.template.spec;
const workers = ofKind('Deployment').filter(({ metadata }) => metadata.name.startsWith('ratchet-worker-'));

it('a schema refuses a wrong value, and a field that it does not know', () => {
  const [worker] = structuredClone(workers);
  const [container] = podsOf(worker!).containers;
  Object.assign(container!, { imag: 'x' });
  expect(faultsOf(worker!)).toEqual([
    'Deployment ratchet-worker-llm: /spec/template/spec/containers/0/imag is no field of Deployment',
  ]);
  worker!.spec.replicas = '2';
  expect(faultsOf(worker!)[0]).toBe('Deployment ratchet-worker-llm: /spec/replicas type');
});

it('every manifest is what its schema says, and stands in its kustomization', () => {
  expect([...inBase, ...overlay].flatMap(faultsOf)).toEqual([]);
  const [kustomization] = manifestsIn('base/kustomization.yaml') as unknown as [{ resources: string[] }];
  expect(kustomization.resources.toSorted()).toEqual(base.map((path) => basename(path)).toSorted());
});

describe('the pods', () => {
  const all = inBase.filter((one) => 'template' in (one.spec ?? {}));

  it('run without rights, without the cluster’s token, and write to their own folder only', () => {
    expect(all.length).toBe(6);
    for (const one of all) {
      const name = one.metadata.name;
      const pod = podsOf(one);
      expect(pod, name).toMatchObject({
        serviceAccountName: 'ratchet',
        automountServiceAccountToken: false,
        securityContext: { runAsNonRoot: true, runAsUser: 1000 },
      });
      for (const { securityContext, image } of pod.containers) {
        expect(image, name).toBe('ratchet-worker');
        expect(securityContext, name).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
      }
    }
  });

  it('hold no secret, and start programs that there are', () => {
    for (const one of all)
      for (const { env, command } of podsOf(one).containers) {
        const secrets = env.filter(
          ({ name, value }) => /PASSWORD|TOKEN|KEY/.test(name) && value !== undefined,
        );
        expect(secrets, one.metadata.name).toEqual([]);
        const program = command.find((word) => /\.tsx?$/.test(word));
        expect(() => readFileSync(join(folder, '../..', program!)), one.metadata.name).not.toThrow();
      }
  });

  it('of workers serve each queue, by variables that they read', () => {
    const queues = workers.map((one) => {
      const { env } = podsOf(one).containers[0]!;
      const given = Object.fromEntries(env.map(({ name, value }) => [name, value ?? 'secret']));
      const all = { ...config, ...given };
      expect(Object.keys(all).filter((name) => !(name in workerSchema.shape))).toEqual([]);
      const { queues: served, temporal, health } = workerEnvironment(all);
      expect(temporal.address).toBe(config.TEMPORAL_ADDRESS);
      expect(health).toEqual({ host: '0.0.0.0', port: 8080 });
      return String(served[0]);
    });
    expect(queues.toSorted()).toEqual(
      Object.keys(TASK_QUEUE)
        .filter((name) => name !== 'sandbox')
        .toSorted(),
    );
  });

  it('of the gateway get variables that it reads', () => {
    const gateway = ofKind('Deployment').find(({ metadata }) => metadata.name === 'ratchet-gateway')!;
    const own = podsOf(gateway).containers[0]!.env.map(({ name }) => name);
    const elsewhere = ['PGPASSWORD', 'TEMPORAL_API_KEY'];
    expect(own.filter((name) => !(name in gatewaySchema.shape) && !elsewhere.includes(name))).toEqual([]);
  });
});

it('KEDA looks at the queues that the workers serve', () => {
  const scaled = overlay.filter(({ kind }) => kind === 'ScaledObject');
  const queues = scaled.map(({ spec, metadata }) => {
    const { scaleTargetRef, triggers, minReplicaCount, maxReplicaCount } = spec as unknown as {
      scaleTargetRef: { name: string };
      triggers: { type: string; metadata: Record<string, string> }[];
      minReplicaCount: number;
      maxReplicaCount: number;
    };
    expect(scaleTargetRef.name).toBe(metadata.name);
    expect(minReplicaCount).toBeLessThan(maxReplicaCount);
    expect(triggers[0]).toMatchObject({ type: 'temporal', metadata: { endpoint: config.TEMPORAL_ADDRESS } });
    return String(triggers[0]!.metadata.taskQueue);
  });
  expect(queues.toSorted()).toEqual([TASK_QUEUE.main, TASK_QUEUE.llm, TASK_QUEUE.train].toSorted());
});

describe('as kustomize renders them', () => {
  const kustomize = process.env.KUSTOMIZE ?? 'kustomize';
  const there = spawnSync(kustomize, ['version']).status === 0;
  const rendered = (path: string): Manifest[] => {
    const { stdout, stderr, status } = spawnSync(kustomize, ['build', join(folder, path)], {
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    expect(status).toBe(0);
    return parseAllDocuments(stdout).map((one) => one.toJS() as Manifest);
  };

  it.skipIf(!there).each(['base', 'overlays/autoscaled', 'overlays/worker-controller'])('%s', (path) => {
    const manifests = rendered(path);
    expect(manifests.flatMap(faultsOf)).toEqual([]);
    const config = manifests.find(({ kind }) => kind === 'ConfigMap')!.metadata.name;
    const kind = path.endsWith('controller') ? 'WorkerDeployment' : 'Deployment';
    const own = manifests.filter((one) => one.kind === kind && one.metadata.name.includes('worker'));
    expect(own).toHaveLength(3);
    for (const one of own) {
      const [container] = podsOf(one).containers;
      expect(container!.image).toBe('ratchet-worker:0.1.0');
      expect(container!.envFrom).toContainEqual({ configMapRef: { name: config } });
      expect('replicas' in one.spec).toBe(!path.endsWith('autoscaled'));
    }
  });
});
