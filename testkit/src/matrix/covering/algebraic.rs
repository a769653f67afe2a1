//! Arrays of strength 2 that algebra gives at once, as starts for factors that all have the same number of values.
//!
//! Three families, of which the smallest array that has enough columns is taken:
//!
//! - two values: the characteristic vectors of the half-size subsets that hold one fixed row, which is optimal (Katona,
//!   and Kleitman and Spencer, both 1973);
//! - any number of values: products of the affine plane over the next prime power with itself (Colbourn, Martirosyan,
//!   Mullen, Shasha, Sherwood and Yucas, "Products of mixed covering arrays of strength two", 2006), from which values
//!   beyond the factor's are left out;
//! - `v` values, at least `v + 1` columns: a cyclic starter vector, developed over columns and values (Meagher and
//!   Stevens, "Group construction of covering arrays", 2005).

use super::random::Random;

/// How often a random starter vector is improved before it is given up.
const STARTER_STEPS: usize = 20_000;

/// A starting array: rows of values, some of which may lie beyond the values of a factor.
pub(super) type Start = Vec<Vec<usize>>;

/// The smallest known array for `columns` factors of `values` values each, which may have more columns.
pub(super) fn start(values: usize, columns: usize) -> Start {
    let product = || plane_product(values, columns);
    match values {
        0 | 1 => vec![vec![0; columns]],
        2 => halves(columns),
        _ => {
            let product = product();
            let developed = columns * (values - 1) + 1;
            let starter = (developed < product.len()).then(|| starter(values, columns)).flatten();
            starter.map_or(product, |starter| develop(values, &starter))
        }
    }
}

/// Column `c` is the `c`-th subset of `rows` of half their number that holds row 0: any two of them meet, miss each
/// other, and differ both ways, save that both miss some row.
fn halves(columns: usize) -> Start {
    let choose = |n: usize, k: usize| (0..k).fold(1usize, |product, i| product.saturating_mul(n - i) / (i + 1));
    let rows = (2..).find(|rows| choose(rows - 1, rows / 2 - 1) >= columns).unwrap_or(2).max(4);
    let half = rows / 2;
    let subsets =
        (0u64..1 << (rows - 1)).filter(|rest| rest.count_ones() as usize + 1 == half).map(|rest| rest << 1 | 1);
    let subsets: Vec<u64> = subsets.collect();
    (0..rows).map(|row| subsets.iter().map(|subset| (subset >> row & 1) as usize).collect()).collect()
}

/// From `k` columns to `k q + 1` with `q (q - 1)` more rows, until there are enough; `q` is the least prime power of at
/// least `values`.
///
/// The first part repeats the smaller array `q` times and has a constant column; the second is the plane without its
/// constant rows, each of its columns repeated for every old one, and a column for the plane's last direction.
fn plane_product(values: usize, columns: usize) -> Start {
    let field = (values..).find_map(Field::new).unwrap_or(Field { size: 1, exp: vec![1], log: vec![0, 0] });
    let q = field.size;
    let mut rows: Start = (0..q).map(|value| vec![value]).collect();
    while rows[0].len() < columns {
        let old = rows[0].len();
        for row in &mut rows {
            let copy = row.clone();
            row.clear();
            row.extend(copy.iter().flat_map(|value| std::iter::repeat_n(*value, q)));
            row.push(0);
        }
        for slope in 1..q {
            for offset in 0..q {
                let line: Vec<usize> = (0..q).map(|x| field.add(field.multiply(slope, x), offset)).collect();
                rows.push((0..old).flat_map(|_| line.iter().copied()).chain([slope]).collect());
            }
        }
    }
    rows
}

/// A finite field by the powers of a primitive element; elements are numbered by their digits in base `p`.
struct Field {
    size: usize,
    exp: Vec<usize>,
    log: Vec<usize>,
}

impl Field {
    /// The field of `size` elements, or none when `size` is not a prime power.
    fn new(size: usize) -> Option<Self> {
        let p = (2..=size).find(|p| size.is_multiple_of(*p))?;
        let degree = size.ilog(p);
        if p.pow(degree) != size {
            return None;
        }
        // With x^degree = reduction, multiplying by x shifts the digits and folds the one that falls out back in. The
        // reduction under which the powers of x reach every element but 0 is the field.
        let top = size / p;
        (1..size).find_map(|reduction| {
            let mut exp = vec![1];
            let mut log = vec![0; size];
            loop {
                let last = exp[exp.len() - 1];
                let (shifted, carry) = (last % top * p, last / top);
                let next = (0..carry).fold(shifted, |sum, _| add_digits(p, sum, reduction));
                if next <= 1 || exp.len() == size {
                    break;
                }
                log[next] = exp.len();
                exp.push(next);
            }
            (exp.len() == size - 1).then_some(Self { size, exp, log })
        })
    }

    fn add(&self, a: usize, b: usize) -> usize {
        let p = (2..=self.size).find(|p| self.size.is_multiple_of(*p)).unwrap_or(self.size);
        add_digits(p, a, b)
    }

    fn multiply(&self, a: usize, b: usize) -> usize {
        if a == 0 || b == 0 { 0 } else { self.exp[(self.log[a] + self.log[b]) % (self.size - 1)] }
    }
}

/// The sum of two numbers in base `p` without carries.
fn add_digits(p: usize, a: usize, b: usize) -> usize {
    if a == 0 && b == 0 { 0 } else { (a % p + b % p) % p + p * add_digits(p, a / p, b / p) }
}

/// A vector over `0..values`, of which the last value stands apart, such that at every cyclic distance the differences
/// of the other values take every residue modulo `values - 1`, and the last meets others on both sides. Found by
/// changing one place at a time.
fn starter(values: usize, columns: usize) -> Option<Vec<usize>> {
    let apart = values - 1;
    let misses = |vector: &[usize]| -> usize {
        let missing = |distance: usize| {
            let mut seen = vec![false; apart];
            for (at, value) in vector.iter().enumerate() {
                let other = vector[(at + distance) % columns];
                if *value != apart && other != apart {
                    seen[(other + apart - value) % apart] = true;
                }
            }
            seen.iter().filter(|seen| !**seen).count()
        };
        (1..=columns / 2).map(missing).sum()
    };
    let mut random = Random::new(columns as u64);
    let mut vector: Vec<usize> = (0..columns).map(|at| if at == 0 { apart } else { random.below(apart) }).collect();
    let mut now = misses(&vector);
    for _ in 0..STARTER_STEPS {
        if now == 0 {
            return Some(vector);
        }
        // One value apart is enough, and keeps the most differences.
        let at = 1 + random.below(columns - 1);
        let before = std::mem::replace(&mut vector[at], random.below(apart));
        let then = misses(&vector);
        // A step that is a little worse is taken now and then, or the search sits in the first valley.
        if then <= now || (then == now + 1 && random.below(20) == 0) {
            now = then;
        } else {
            vector[at] = before;
        }
    }
    None
}

/// Every cyclic shift of the starter with every residue added to all but the value apart, and that value alone.
fn develop(values: usize, starter: &[usize]) -> Start {
    let apart = values - 1;
    let mut rows = vec![vec![apart; starter.len()]];
    for shift in 0..starter.len() {
        for residue in 0..apart {
            let turned = starter.iter().cycle().skip(shift).take(starter.len());
            rows.push(turned.map(|value| if *value == apart { apart } else { (value + residue) % apart }).collect());
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uncovered(rows: &Start, values: usize, columns: usize) -> Option<(usize, usize, usize, usize)> {
        for a in 0..columns {
            for b in a + 1..columns {
                for x in 0..values {
                    for y in 0..values {
                        if !rows.iter().any(|row| row[a] == x && row[b] == y) {
                            return Some((a, x, b, y));
                        }
                    }
                }
            }
        }
        None
    }

    #[test]
    fn every_start_covers_every_pair_in_the_rows_that_theory_promises() {
        for (values, columns, rows) in [
            (2, 1, 4),
            (2, 3, 4),
            (2, 10, 6),
            (2, 100, 10),
            (3, 4, 9),
            (3, 13, 15),
            (3, 40, 21),
            (4, 21, 28),
            (5, 6, 25),
            (6, 8, 49),
            (8, 9, 64),
            (9, 10, 81),
            (10, 12, 121),
            (10, 20, 181),
        ] {
            let start = start(values, columns);
            assert_eq!(uncovered(&start, values, columns), None, "{values}^{columns}");
            assert_eq!(start.len(), rows, "{values}^{columns}");
        }
    }
}
