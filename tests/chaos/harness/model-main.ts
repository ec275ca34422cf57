/**
 * The scripted endpoint as a process that can be killed: files, jobs and fine-tuned models are in its folder, a
 * job that was under way at the kill goes on, and every completion asked for is written down before it is
 * answered. Each run calls it under a path of its own (/r/<label>/v1), which tells the calls of runs apart.
 */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { adder } from '../../support/scripted-adder.ts';
import { startScriptedEndpoint } from '../../support/scripted-endpoint.ts';
import { inject, refuse, type Fault } from './faults.ts';
import { journal, logCall, readFaults } from './folder.ts';
import type { ModelSettings } from './model-process.ts';

const { folder, port, jobMs, latencyMs } = JSON.parse(process.argv[2]!) as ModelSettings;
const asked = new Map<string, number>();
const reloaded = new Set<string>();

type Body = { model: string; messages: unknown; seed?: number; n?: number; temperature?: number };

/** How long a completion takes, by what it is for: the adder's greedy answers are benchmarks. */
function latencyOf({ temperature, model }: Body): number {
  if (temperature === 0) return model === adder.baseModel ? latencyMs.base : latencyMs.candidate;
  return temperature === 1 ? latencyMs.resample : latencyMs.sample;
}

// A client that is killed in the middle of a request is no fault of the endpoint.
process.on('unhandledRejection', (error) => console.error('request failed:', error));

await startScriptedEndpoint(
  {
    ...adder,
    jobMs,
    outcome: (job) => ({ status: 'succeeded', path: `${folder}/adapters/${job.id}` }),
  },
  {
    port,
    store: journal(folder),
    async intercept(request, raw, response) {
      const [, label = '', path = request.url!] = /^\/r\/([^/]+)(\/.*)$/.exec(request.url ?? '') ?? [];
      request.url = path;
      const fault: Fault | undefined = readFaults(folder)[label];
      if (path === '/v1/load_lora_adapter' && fault?.kind === 'evicted' && fault.reload) {
        const { lora_name: name } = JSON.parse(raw.toString()) as { lora_name: string };
        reloaded.add(name);
        response.end(`Success: LoRA adapter '${name}' added successfully.`);
        return true;
      }
      if (path !== '/v1/chat/completions') return false;

      const body = JSON.parse(raw.toString()) as Body;
      const tuned = body.model !== adder.baseModel;
      // Fine-tuned models are named after jobs, whose ids differ from run to run.
      const said = [tuned, body.messages, body.seed, body.n, body.temperature];
      const key = createHash('sha256').update(JSON.stringify(said)).digest('hex').slice(0, 24);
      logCall(folder, label, { key, atMs: Date.now() });
      const ordinal = (asked.get(label) ?? 0) + 1;
      asked.set(label, ordinal);

      await sleep(latencyOf(body));
      if (fault?.kind === 'insufficient_quota' && ordinal >= fault.from) {
        refuse(
          response,
          429,
          'You exceeded your current quota, please check your plan.',
          'insufficient_quota',
        );
        return true;
      }
      if (fault?.kind === 'evicted' && fault.model === body.model && !reloaded.has(body.model)) {
        refuse(response, 404, `The model \`${body.model}\` does not exist.`, 'model_not_found');
        return true;
      }
      if (fault && 'at' in fault && fault.at.includes(ordinal)) return inject(fault.kind, response);
      return false;
    },
  },
);
console.log(`ready on ${port}`);
