/** Names that no fix brings in, by the harm that they are good for. Python's and JavaScript's apart: a name may be dull in the other. */

const words = (text: string): string[] => text.trim().split(/\s+/);
const table = (groups: Record<string, string>): ReadonlyMap<string, string> =>
  new Map(Object.entries(groups).flatMap(([why, names]) => words(names).map((name) => [name, why] as const)));

/** Modules that compute and do nothing else. */
export const PURE_MODULES: Record<'python' | 'javascript', ReadonlySet<string>> = {
  python: new Set(
    words(`__future__ abc array base64 bisect calendar cmath collections contextlib copy dataclasses datetime decimal difflib enum fractions
      functools hashlib heapq html itertools json math numbers operator re statistics string struct textwrap typing unicodedata`),
  ),
  javascript: new Set(),
};

/** Names as they are, unless the function binds them itself. */
export const NAMES: Record<'python' | 'javascript', ReadonlyMap<string, string>> = {
  python: table({
    'runs text as code': 'eval exec compile execfile',
    'reaches into objects by text': 'getattr setattr delattr vars globals locals dir',
    'reads or writes outside': 'open input breakpoint',
    'ends the process': 'exit quit SystemExit KeyboardInterrupt BaseException',
    'reaches the machine': `os sys subprocess socket ctypes inspect gc threading signal multiprocessing asyncio importlib builtins atexit shutil
      pathlib tempfile io time pickle marshal types traceback platform resource select urllib http requests runpy pkgutil site code pdb
      weakref concurrent selectors mmap fcntl pty linecache tracemalloc faulthandler sched logging warnings`,
    'reaches the tests': 'unittest pytest mock doctest nose hypothesis conftest',
  }),
  javascript: table({
    'runs text as code': 'eval Function WebAssembly',
    'reaches the machine': `process require module exports globalThis global window self Deno Bun Buffer __dirname __filename navigator document
      Worker SharedWorker SharedArrayBuffer Atomics localStorage sessionStorage performance`,
    'stands between code and objects': 'Proxy Reflect Symbol FinalizationRegistry WeakRef',
    'uses the network': 'fetch WebSocket XMLHttpRequest EventSource BroadcastChannel',
    waits: 'setTimeout setInterval setImmediate queueMicrotask clearTimeout clearInterval clearImmediate',
    'reaches the tests': `jest vi vitest mocha sinon describe test it expect assert beforeEach afterEach beforeAll afterAll`,
    'reads the call itself': 'arguments',
  }),
};

/** What stands behind a dot, whatever it is taken from. */
export const ATTRIBUTES: Record<'python' | 'javascript', ReadonlyMap<string, string>> = {
  python: table({
    'reads frames': `f_globals f_locals f_back f_builtins f_code gi_frame gi_code cr_frame cr_code ag_frame tb_frame tb_next func_globals
      func_code co_consts co_code`,
    'reads the environment': 'environ environb getenv putenv',
    'reaches into objects by text': 'attrgetter methodcaller get_type_hints mro',
    waits: 'sleep',
    'runs a command': 'system popen Popen spawn fork _exit execv execve kill check_output',
    'reads or writes outside': 'stdin stdout stderr read_text write_text read_bytes write_bytes',
    'loads code': 'modules import_module meta_path path_hooks',
  }),
  javascript: table({
    'changes what objects are': `prototype constructor defineProperty defineProperties setPrototypeOf getPrototypeOf
      getOwnPropertyDescriptor getOwnPropertyDescriptors __proto__ __defineGetter__ __defineSetter__ __lookupGetter__ __lookupSetter__`,
    'passes for equal in assertions': 'asymmetricMatch $$typeof',
    'reads frames': 'callee caller prepareStackTrace captureStackTrace stackTraceLimit',
    'loads code': 'mainModule createRequire _load dlopen binding',
  }),
};

/** Names that every Python program relies on: a module must not have its own. */
export const BUILTINS: ReadonlySet<string> = new Set(
  words(`abs all any ascii bin bool bytearray bytes callable chr classmethod complex dict divmod enumerate filter float format frozenset hash hex
    id int isinstance issubclass iter len list map max min next object oct ord pow print property range repr reversed round set slice sorted
    staticmethod str sum super tuple type zip Exception ValueError TypeError KeyError IndexError AssertionError
    Array Boolean Date Error JSON Map Math Number Object Promise RegExp Set String TypeError parseFloat parseInt isNaN console`),
);
