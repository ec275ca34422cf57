/**
 * Small symmetric systems of equations by Cholesky's decomposition, scaled to a unit diagonal first, so that parameters of any unit may
 * stand beside each other.
 */
export type Factor = { lower: Float64Array; scale: Float64Array; size: number };

/** The matrix in a form that solves for any right side; it is written over. Undefined where there is no single solution. */
export function factorOf(matrix: Float64Array, size: number): Factor | undefined {
  const scale = new Float64Array(size);
  for (let a = 0; a < size; a++) {
    const own = matrix[a * size + a]!;
    if (!(own > 0) || !Number.isFinite(own)) return undefined;
    scale[a] = 1 / Math.sqrt(own);
  }
  for (let a = 0; a < size; a++)
    for (let b = 0; b <= a; b++) {
      let sum = matrix[a * size + b]! * scale[a]! * scale[b]!;
      for (let c = 0; c < b; c++) sum -= matrix[a * size + c]! * matrix[b * size + c]!;
      if (a === b) {
        if (!(sum > 1e-15)) return undefined;
        matrix[a * size + a] = Math.sqrt(sum);
      } else matrix[a * size + b] = sum / matrix[b * size + b]!;
    }
  return { lower: matrix, scale, size };
}

function forward({ lower, scale, size }: Factor, right: Float64Array): void {
  for (let a = 0; a < size; a++) {
    right[a]! *= scale[a]!;
    for (let c = 0; c < a; c++) right[a]! -= lower[a * size + c]! * right[c]!;
    right[a]! /= lower[a * size + a]!;
  }
}

/** Solves for a right side, in its place. */
function solveWith(factor: Factor, right: Float64Array): Float64Array {
  const { lower, scale, size } = factor;
  forward(factor, right);
  for (let a = size - 1; a >= 0; a--) {
    for (let c = a + 1; c < size; c++) right[a]! -= lower[c * size + a]! * right[c]!;
    right[a]! /= lower[a * size + a]!;
  }
  for (let a = 0; a < size; a++) right[a]! *= scale[a]!;
  return right;
}

/** rᵀ A⁻¹ r, with r written over. */
export function formOf(factor: Factor, right: Float64Array): number {
  forward(factor, right);
  let sum = 0;
  for (let a = 0; a < factor.size; a++) sum += right[a]! ** 2;
  return sum;
}

/** Both are written over. Undefined where there is no single solution. */
export function solve(matrix: Float64Array, right: Float64Array, size: number): Float64Array | undefined {
  const factor = factorOf(matrix, size);
  return factor && solveWith(factor, right);
}
