// Complex numbers as [re, im], real matrices as rows, and eigenvalues of small ones.
const cabs = (z) => Math.hypot(z[0], z[1]);
const cadd = (a, b) => [a[0] + b[0], a[1] + b[1]];
const csub = (a, b) => [a[0] - b[0], a[1] - b[1]];
const cmul = (a, b) => [a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]];
const cconj = (z) => [z[0], -z[1]];
const cscale = (s, z) => [s * z[0], s * z[1]];

function csqrt([re, im]) {
  const size = Math.hypot(re, im);
  const a = Math.sqrt((size + Math.abs(re)) / 2);
  if (a === 0) return [0, 0];
  const b = im / (2 * a);
  return re >= 0 ? [a, b] : [Math.abs(b), im < 0 ? -a : a];
}

const identity = (n) => Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => Number(i === j)));
const transpose = (A) => A[0].map((_, j) => A.map((row) => row[j]));
const scaled = (s, A) => A.map((row) => row.map((a) => s * a));
const plus = (A, B) => A.map((row, i) => row.map((a, j) => a + B[i][j]));
const apply = (A, x) => A.map((row) => row.reduce((sum, a, j) => sum + a * x[j], 0));
const times = (A, B) => A.map((row) => B[0].map((_, j) => row.reduce((sum, a, k) => sum + a * B[k][j], 0)));
// Blocks side by side and below each other.
const blocks = (rows) => rows.flatMap((row) => row[0].map((_, i) => row.flatMap((block) => block[i])));

// The eigenvalues of a real matrix, [[re, im], ...].
function eigenvalues(A) {
  return A.length === 2 ? eigenvaluesOfTwo(A) : triangular(hessenberg(A.map((row) => row.map((a) => [a, 0]))));
}

// m +- sqrt(((a - d) / 2)^2 + b c): no cancellation of large numbers under the root.
function eigenvaluesOfTwo([[a, b], [c, d]]) {
  const middle = (a + d) / 2, under = ((a - d) / 2) ** 2 + b * c, root = Math.sqrt(Math.abs(under));
  if (under < 0) return [[middle, -root], [middle, root]];
  return [[middle - root, 0], [middle + root, 0]];
}

// |A|_2 of a real 2 x 2 matrix.
function norm([[a, b], [c, d]]) {
  return (Math.hypot(a + d, c - b) + Math.hypot(a - d, b + c)) / 2;
}

// Zeros below the first subdiagonal, by rotations of pairs of rows and columns.
function hessenberg(H) {
  for (let column = 0; column < H.length - 2; column++) {
    for (let row = H.length - 1; row > column + 1; row--) {
      const turn = rotation(H[row - 1][column], H[row][column]);
      turnRows(H, row - 1, row, turn);
      turnColumns(H, row - 1, row, turn);
    }
  }
  return H;
}

// The QR algorithm with Wilkinson's shifts; what is left on the diagonal.
function triangular(H) {
  const found = [];
  let n = H.length, tries = 0;
  while (n > 1) {
    if (negligible(H, n - 1) || tries > 200) {
      found.push(H[--n][n]);
      tries = 0;
    } else {
      const shift = ++tries % 11 ? wilkinson(H, n) : cadd(H[n - 1][n - 1], H[n - 1][n - 2]);
      sweep(H, n, shift);
    }
  }
  return [H[0][0], ...found];
}

function negligible(H, k) {
  const beside = cabs(H[k][k]) + cabs(H[k - 1][k - 1]);
  return cabs(H[k][k - 1]) <= 2 ** -52 * (beside || 1);
}

// The eigenvalue of the last 2 x 2 block that is nearer to its corner.
function wilkinson(H, n) {
  const a = H[n - 2][n - 2], b = H[n - 2][n - 1], c = H[n - 1][n - 2], d = H[n - 1][n - 1];
  const half = cscale(0.5, csub(a, d)), root = csqrt(cadd(cmul(half, half), cmul(b, c)));
  const middle = cscale(0.5, cadd(a, d)), one = cadd(middle, root), other = csub(middle, root);
  return cabs(csub(one, d)) < cabs(csub(other, d)) ? one : other;
}

// H - s = Q R, and then H = R Q + s.
function sweep(H, n, shift) {
  const turns = [];
  for (let i = 0; i < n; i++) H[i][i] = csub(H[i][i], shift);
  for (let i = 0; i < n - 1; i++) {
    turns.push(rotation(H[i][i], H[i + 1][i]));
    turnRows(H, i, i + 1, turns[i], n);
  }
  turns.forEach((turn, i) => turnColumns(H, i, i + 1, turn, n));
  for (let i = 0; i < n; i++) H[i][i] = cadd(H[i][i], shift);
}

// c, s with c a + s b of size |(a, b)| and -conj(s) a + conj(c) b = 0.
function rotation(a, b) {
  const size = Math.hypot(cabs(a), cabs(b));
  return size === 0 ? [[1, 0], [0, 0]] : [cscale(1 / size, cconj(a)), cscale(1 / size, cconj(b))];
}

function turnRows(H, i, k, [c, s], n = H.length) {
  for (let j = 0; j < n; j++) {
    const a = H[i][j], b = H[k][j];
    H[i][j] = cadd(cmul(c, a), cmul(s, b));
    H[k][j] = csub(cmul(cconj(c), b), cmul(cconj(s), a));
  }
}

function turnColumns(H, i, k, [c, s], n = H.length) {
  for (let j = 0; j < n; j++) {
    const a = H[j][i], b = H[j][k];
    H[j][i] = cadd(cmul(a, cconj(c)), cmul(b, cconj(s)));
    H[j][k] = csub(cmul(b, c), cmul(a, s));
  }
}
