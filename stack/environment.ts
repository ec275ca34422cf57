// What each process of the stack gets of the user's environment: what it reads, and nothing else. A key in the environment of a process
// that has no use for it is one more place from which it can get away.
import { keyNames } from '../models/keys.ts';
import type { PartName } from './state.ts';
import { isSystem } from './system-environment.ts';

/** How PyTorch and its libraries are told about the machine. */
const MACHINE = [
  /^(CUDA|NVIDIA|NCCL|ROCR|ROCM|HIP|HSA|OMP|GOMP|KMP|MKL|OPENBLAS|VECLIB|NUMEXPR|MALLOC|TORCH|TORCHINDUCTOR|TRITON|TOKENIZERS|TRANSFORMERS|SAFETENSORS|PYTORCH|PYTHON)[A-Z0-9_]*$/,
  /^HF_(HOME|HUB_OFFLINE|HUB_CACHE|ENDPOINT|HUB_DISABLE_[A-Z_]+)$/,
  /^(LD_PRELOAD|BITSANDBYTES_[A-Z_]+)$/,
];

const DATABASE = [
  'DATABASE_URL',
  'PGPASSWORD',
  'PGPASSFILE',
  'PGSSLMODE',
  'PGSSLROOTCERT',
  'PGSSLCERT',
  'PGSSLKEY',
];
const ENDPOINTS = [
  'MODEL_BASE_URL',
  'RATCHET_KEYS',
  'RATCHET_HOME',
  'RATCHET_TASKS',
  'RATCHET_ROWS',
  'RATCHET_PYTHON',
  'RATCHET_PASS',
  'RATCHET_REQUEST_TIMEOUT_MS',
];

const TRACES = /^OTEL_[A-Z_]+$/;
/** What clients and workers must have alike. */
const QUEUES = /^RATCHET_(TASK_QUEUE_PREFIX|PAYLOAD_CODEC)$/;
const LOGS = ['RATCHET_LOG_LEVEL'];
/** Trackers of experiments. */
const TRACKERS = /^(RATCHET_MLFLOW_URI|MLFLOW_TRACKING_(URI|TOKEN|USERNAME|PASSWORD))$/;
const WORKER = [...LOGS, 'RATCHET_VERSIONING', 'RATCHET_QUEUES', 'RATCHET_MAX_CACHED_WORKFLOWS'];

/** `keys`: may it send the keys of endpoints? */
const READS: Record<PartName, { patterns?: RegExp[]; names: Set<string>; keys?: boolean; passed?: boolean }> =
  {
    postgres: { names: new Set() },
    temporal: { names: new Set() },
    modelserver: {
      patterns: [...MACHINE, /^RATCHET_(TRAIN|MODELSERVER)_[A-Z_]+$/],
      names: new Set(),
      passed: true,
    },
    worker: {
      // What workers/environment.ts reads; a test compares the two.
      patterns: [
        TRACES,
        /^TEMPORAL_[A-Z_]+$/,
        QUEUES,
        TRACKERS,
        /^RATCHET_(DB|SLOTS|HEALTH|METRICS)_[A-Z_]+$/,
      ],
      names: new Set([...WORKER, ...DATABASE, ...ENDPOINTS]),
      keys: true,
      passed: true,
    },
    sandbox: {
      // What workers/sandbox.ts reads: Temporal's address, and no key but its.
      patterns: [
        /^TEMPORAL_(?!WORKER|DEPLOYMENT)[A-Z_]+$/,
        QUEUES,
        /^RATCHET_(SANDBOX|SLOTS_SANDBOX)(_[A-Z_]+)?$/,
      ],
      names: new Set(LOGS),
    },
    web: {
      patterns: [TRACES, QUEUES, /^RATCHET_WEB_[A-Z_]+$/, /^TEMPORAL_(?!WORKER|DEPLOYMENT)[A-Z_]+$/],
      names: new Set([...DATABASE, 'RATCHET_HOME', 'RATCHET_TASKS', 'MODEL_BASE_URL']),
    },
    gateway: {
      patterns: [TRACES, QUEUES, /^RATCHET_GATEWAY_[A-Z_]+$/, /^TEMPORAL_(?!WORKER|DEPLOYMENT)[A-Z_]+$/],
      names: new Set([...LOGS, ...DATABASE, ...ENDPOINTS]),
      keys: true,
      passed: true,
    },
  };

/** Variables that the user passes on by name, for their own trainer, task or redaction. */
const passedOn = (env: NodeJS.ProcessEnv) => (env.RATCHET_PASS ?? '').split(/[\s,]+/).filter(Boolean);

/** The keys of endpoints that are in the environment and may be sent somewhere, by name. */
export function keysIn(env: NodeJS.ProcessEnv): Record<string, string> {
  const found = keyNames(env).flatMap((name) => (env[name] ? [[name, env[name]] as const] : []));
  return Object.fromEntries(found);
}

/** What a part of the stack is started with. */
export function environmentOf(part: PartName, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { patterns = [], names: own, keys, passed } = READS[part];
  const wanted = new Set([...(keys ? keyNames(env) : []), ...(passed ? passedOn(env) : [])]);
  return Object.fromEntries(
    Object.entries(env).filter(
      ([name]) =>
        own.has(name) || wanted.has(name) || isSystem(name) || patterns.some((pattern) => pattern.test(name)),
    ),
  );
}
