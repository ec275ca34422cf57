/** What words, letters and commands of mathematics name: functions, Greek letters, variables, constants. */
import type { Expr } from './tree.ts';

export const FUNCTIONS = new Set(
  'sin cos tan cot sec csc sinh cosh tanh arcsin arccos arctan asin acos atan ln log lg exp sqrt det gcd lcm min max'.split(
    ' ',
  ),
);
export const SPELLED: Record<string, string> = { asin: 'arcsin', acos: 'arccos', atan: 'arctan', lg: 'log' };
export const INVERSE: Record<string, string> = { sin: 'arcsin', cos: 'arccos', tan: 'arctan' };
export const GREEK =
  /^(?:var)?(?:alpha|beta|gamma|delta|epsilon|zeta|eta|theta|iota|kappa|lambda|mu|nu|xi|rho|sigma|tau|upsilon|phi|chi|psi|omega|Gamma|Delta|Theta|Lambda|Xi|Sigma|Phi|Psi|Omega|ell)$/;
export const BINOMIAL = /^[dt]?binom$/;
/** Letters that name functions: `f(x)` is no product. */
export const NAMES_FUNCTION = /^[fghFGHPQ]$/;

export const letterOf = (letter: string): Expr =>
  letter === 'e' || letter === 'i' ? { kind: 'constant', name: letter } : { kind: 'variable', name: letter };
