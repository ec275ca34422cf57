/** Commands of the documentation that its test does not run, with the reason, and what tests them instead. */
export const EXCEPTIONS: { command: string | RegExp; why: string }[] = [
  {
    command: /^npm run demo/,
    why: 'takes minutes; tests/workflows/real-model.test.ts does the same, smaller',
  },
  {
    command: /^npx ratchet (model |up --model |run my-task.yaml --model smollm2-135m)/,
    why: 'downloads 93 MB; tests/real and tests/cli/models do it',
  },
  {
    command: /^npx ratchet demo --model /,
    why: 'takes an hour and a model of 500 MB; tests/tasks/svamp.test.ts checks the task and the settings',
  },
  {
    command: /^npx ratchet run examples\/svamp\/(?:task|known)\.ts/,
    why: 'needs a language model; tests/tasks/svamp.test.ts checks the task',
  },
  {
    command: /^npx ratchet run examples\/numbers\/task\.ts/,
    why: 'needs a language model; tests/examples/numbers.test.ts checks the task',
  },
  {
    command: /^npx node (?:bench\/demonstrations|examples\/messages\/convention)\.ts/,
    why: 'needs a language model that a run trained; tests/workflows/answer.test.ts adapts to demonstrations',
  },
  {
    command: /^TEMPORAL_ADDRESS=\S+ npx node workers\/sandbox\.ts/,
    why: 'names machines that are not there; tests/workflows/sandboxed.test.ts starts it so',
  },
  {
    command: /^npx ratchet (bugs|run|schedule create) (my-code|examples\/code-repair\/task)\.yaml/,
    why: 'needs repositories and minutes; tests/workflows/code-repair.test.ts makes bugs of one and learns from them',
  },
  {
    command: /^npx ratchet new /,
    why: 'writes into the clone; tests/app/starts.test.ts writes each start and reads it as a task',
  },
  {
    command:
      /^(?:npx ratchet (?:run examples\/support\/task|corrections my-support|critics my-support)\.yaml|npx node bench\/support(?:-corrections)?\.ts)/,
    why: 'needs a language model, conversations of your own, or a minute; tests/workflows/support.test.ts learns from the example',
  },
  {
    command: /^npx ratchet questions /,
    why: 'needs a language model and documents of your own; tests/app/questions.test.ts has both, the model scripted',
  },
  {
    command: /^npx ratchet export --format patches/,
    why: 'needs fixes of bugs that are there; tests/workflows/code-repair.test.ts exports and applies one',
  },
  {
    command: /^npx ratchet distil /,
    why: 'needs two models; tests/workflows/distil.test.ts has a run with both',
  },
  {
    command: /^npx ratchet up --train-command/,
    why: "needs a trainer of one's own; modelserver/tests/test_command.py starts several",
  },
  { command: /^curl -LO https:\/\/raw/, why: 'needs the internet' },
  {
    command: /^npx ratchet answer /,
    why: 'needs a trainer beside a run; tests/workflows/answer.test.ts asks, adapts and sweeps',
  },
  {
    command: /^curl -s http:\/\/127\.0\.0\.1:8300\/v1\/chat\/completions .*\+ttt/,
    why: 'the same by the gateway; tests/workflows/answer.test.ts does it',
  },
  {
    command: /^npx (node examples\/discovery\/make_choices\.ts|ratchet run examples\/discovery\/choices\.ts)/,
    why: 'takes minutes, and a language model; tests/tasks/discovery/choices.test.ts checks the task and its problems',
  },
  {
    command: /^npx ratchet discover examples\/discovery\/elements\.yaml/,
    why: 'needs bubblewrap; tests/workflows/discover.test.ts runs the example',
  },
  {
    command: /^python3 examples\/field-guards\//,
    why: 'needs packages and a data set of the internet; tests/examples/field-guards.test.ts runs it where it has the packages',
  },
  { command: /^RATCHET_TEST_LMEVAL=.* npm test/, why: 'needs a package of a gigabyte' },
  { command: /^npm test/, why: 'is the whole suite, or a part of it' },
  {
    command: /^npm run chaos/,
    why: 'takes long; tests/chaos/matrix.test.ts runs the short form',
  },
  { command: /^npm run gallery/, why: 'tests/gallery/gallery.test.ts runs all of it' },
  { command: /^npm run hostile/, why: 'tests/hostile/hostile.test.ts runs it for less than a minute' },
  { command: 'git pull', why: 'changes the clone' },
  { command: /^docker compose /, why: 'needs Docker; tests/docker checks the file and its commands' },
  {
    command: /^npx ratchet export --adapter /,
    why: 'needs an adapter of a real trainer; tests/app/export-adapter.test.ts makes and exports one',
  },
  { command: /^curl -fLO "\$base/, why: 'needs the internet' },
  { command: /^pip install /, why: 'needs the internet' },
  {
    command: /^(npx ratchet --version && npm run pack|mkdir ~\/loops|npm install ~\/ratchet\/)/,
    why: 'installs hundreds of megabytes; tests/packaging packs, installs and uses the package',
  },
  { command: /^(docker build|kubectl) /, why: 'needs a cluster; tests/deploy checks what is applied' },
  {
    command: /^npx ratchet report demo --json \| python examples\/tracking/,
    why: 'needs packages of the internet; tests/app/tracking-scripts.test.ts runs what both scripts share',
  },
  { command: /^pg_dump /, why: "needs PostgreSQL's own programs, which the embedded server comes without" },
  { command: /^VLLM_ALLOW_RUNTIME_LORA_UPDATING=True vllm serve /, why: 'needs a GPU and vLLM' },
  { command: /^llama-server /, why: 'needs llama.cpp and a model' },
  { command: /^python -m ratchet_modelserver /, why: 'needs a GPU and a model; modelserver/tests start it' },
  {
    command:
      /^npx node (--import tsx )?bench\/(tutor\/(diagnosis|repair)|code-repair|discovery|coverage|long-run|mutate|peers|scale|web)\.ts/,
    why: 'a benchmark of minutes',
  },
  {
    command: /^(DATABASE_URL=… )?npx node bench\/(answers|votes)\.ts/,
    why: 'needs a run of a real model of half a billion parameters',
  },
  { command: /^RATCHET_PYTHON=.* npx node bench\//, why: 'a benchmark of minutes' },
  {
    command: /^temporal worker deployment /,
    why: 'needs workers of a named version; tests/workers/deployment.test.ts does it',
  },
  {
    command: /… npx node workers\/main\.ts$/,
    why: 'abridged; tests/workers/deployment.test.ts starts such workers',
  },
  {
    command: /^RATCHET_QUEUES=llm .* npx node workers\/main\.ts$/,
    why: 'addresses of other machines; tests/workers/observability.test.ts starts such workers',
  },
];

export const exceptionFor = (command: string) =>
  EXCEPTIONS.find((one) =>
    typeof one.command === 'string' ? one.command === command : one.command.test(command),
  );
