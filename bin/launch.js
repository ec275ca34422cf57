// What both launchers share: make sure the dependencies are there, then run the entry under the Node that this package pins: TypeScript
// in a clone, what was built of it in a package (packaging/). Only Node built-ins of Node 20 may be used here: in a clone nothing is
// installed yet.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const isClone = existsSync(join(root, 'cli', 'main.ts'));
const stampFile = join(root, 'node_modules', '.ratchet-stamp');
const tty = process.stderr.isTTY;

function checkNode() {
  const major = Number(process.versions.node.split('.')[0]);
  if (major >= 20) return;
  fail(
    `Node ${process.versions.node} is too old: install Node 20 or newer from https://nodejs.org, then run this again.`,
  );
}

function fail(message) {
  process.stderr.write(`✗ ${message}\n`);
  process.exit(1);
}

function lockDigest() {
  return createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
}

function installed() {
  try {
    return readFileSync(stampFile, 'utf8').trim() === lockDigest() && existsSync(pinnedNode());
  } catch {
    return false;
  }
}

function pinnedNode() {
  const direct = join(root, 'node_modules', 'node', 'bin', 'node');
  return existsSync(direct) ? direct : join(root, 'node_modules', '.bin', 'node');
}

/** The Node among a package's dependencies; where its install script did not run, this one if it will do. */
function nodeOfPackage() {
  try {
    const node = join(dirname(createRequire(import.meta.url).resolve('node/package.json')), 'bin', 'node');
    if (existsSync(node)) return node;
  } catch {
    // It is optional.
  }
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath;
  return fail(
    `Ratchet needs Node 24, this is ${process.versions.node}, and the one among its dependencies is not there. Install it again with install scripts and optional packages, or use Node 24.`,
  );
}

/** Where code that was compiled is kept: with the packages, which an install makes anew. */
function compileCache() {
  const packages = isClone ? join(root, 'node_modules') : join(root, '..', '..');
  return basename(packages) === 'node_modules'
    ? { NODE_COMPILE_CACHE: join(packages, '.cache', 'ratchet') }
    : {};
}

/** `npm ci`, once per lock file. The stamp is written last, so a half-made node_modules is made again. */
async function install() {
  if (!existsSync(join(root, 'package-lock.json')))
    fail('package-lock.json is missing: this is not a complete clone of Ratchet.');
  const started = Date.now();
  process.stderr.write('  Dependencies: installing with npm, a minute or so …\n');
  rmSync(stampFile, { force: true });
  let { code, output } = await npm(['ci']);
  // A lock file made where a registry lacked other platforms' optional packages has no entry for them, which `npm ci`
  // refuses. `npm install` takes the locked versions just the same and finds the rest.
  if (code !== 0 && output.includes('EUSAGE')) ({ code, output } = await npm(['install', '--no-save']));
  if (code !== 0 || !existsSync(pinnedNode())) {
    const lines = output
      .split('\n')
      .filter((line) => /\S/.test(line.replace('npm error', '')) && !line.startsWith('npm warn'));
    const problem =
      code === 0 ? 'it left no Node in node_modules; are install scripts switched off?' : `exit code ${code}`;
    fail(
      `Dependencies: npm failed (${problem}):\n    ${lines.slice(0, 15).join('\n    ')}\n  Check the network and the npm registry settings, then run this again.`,
    );
  }
  writeFileSync(stampFile, `${lockDigest()}\n`);
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  process.stderr.write(`${tty ? '\u001b[32m✓\u001b[39m' : '✓'} Dependencies (${seconds} s)\n`);
}

async function npm(args) {
  // Under `npm run`, npm's own path is known and may be newer than the one on PATH.
  const npmCli = process.env.npm_execpath;
  const [command, first] = npmCli?.endsWith('npm-cli.js') ? [process.execPath, [npmCli]] : ['npm', []];
  // Settings of the npm that runs us must not reach this one: the pinned Node itself is a development dependency
  // (an outer --omit=dev), and what goes wrong must be said (an outer --silent).
  const env = { ...process.env, NODE_ENV: 'development', npm_config_omit: '', npm_config_production: '' };
  let output = '';
  const child = spawn(
    command,
    [...first, ...args, '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'],
    {
      cwd: root,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  const code = await new Promise((resolve) => {
    child.on('error', (error) => {
      output += error.message;
      resolve(1);
    });
    child.on('close', resolve);
  });
  return { code, output };
}

/** Runs `ratchet args` under the pinned Node; signals go on to it, and its exit becomes ours. */
function run(node, args) {
  // The channel tells the command that we were killed: see stack/signals.ts.
  const child = spawn(node, [join(root, 'cli', isClone ? 'main.ts' : 'main.js'), ...args], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    // Code that was compiled once is not compiled again: a command starts in two thirds of the time.
    env: { ...compileCache(), ...process.env },
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'])
    process.on(signal, () => child.kill(signal));
  child.on('error', (error) =>
    fail(`Node could not be started from ${node}: ${error.message}. Delete node_modules and run this again.`),
  );
  child.on('exit', (code, signal) => {
    if (!signal) process.exit(code ?? 1);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
    setTimeout(() => process.exit(1), 1000);
  });
}

/** @param {string[]} args what follows `ratchet` */
export async function launch(args) {
  checkNode();
  if (isClone && !installed()) await install();
  run(isClone ? pinnedNode() : nodeOfPackage(), args);
}
