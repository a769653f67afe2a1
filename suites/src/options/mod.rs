//! Today's init options, one file each.

use testkit::matrix::{Cell, Constraint, Declaration, Matrix, MatrixError};
use testkit::plan::InitOption;

use crate::failure::Failure;

/// Registers the options: one line is an option's module and its type.
macro_rules! options {
    ($($module:ident::$option:ident,)*) => {
        $(mod $module;)*

        /// Every init option, in the order in which they appear in a cell's name.
        pub const OPTIONS: &[&dyn InitOption] = &[$(&$module::$option),*];
    };
}

// A new one goes last, so that no cell is renamed.
options! {
    address_family::AddressFamily,
    encap::Encap,
    services::Services,
    member_name::MemberName,
    user_ca::UserCa,
    formation::Formation,
    members::Members,
    underlay_mtu::UnderlayMtu,
    mistake::Mistake,
}

use formation::MICROCLOUD;
pub(crate) use user_ca::PROVIDE;

/// The choices of the core tier: the suites that run on every change.
const CORE: [&[(&str, &str)]; 4] =
    [&[], &[("address_family", "ipv6")], &[("encap", "ipv4")], &[("address_family", "ipv6"), ("encap", "ipv6")]];

/// The matrix of [`OPTIONS`].
///
/// # Errors
/// When the declarations or the constraints make no sense; the error names the place.
pub fn matrix() -> Result<Matrix, MatrixError> {
    let (declarations, constraints) = declared();
    Matrix::new(declarations, constraints)
}

/// The cell with these choices.
///
/// # Errors
/// When there is no such choice, or a constraint forbids the cell.
pub(crate) fn cell(chosen: &[(&str, &str)]) -> Result<Cell, MatrixError> {
    let (declarations, constraints) = declared();
    Cell::allowed(&declarations, &constraints, chosen)
}

/// The cell of this name. The matrix is made, which takes as long as naming every cell, only to say what is wrong with it
/// where there is no such cell.
///
/// # Errors
/// When there is none, or the matrix has none.
pub(crate) fn find_cell(name: &str) -> Result<Cell, Failure> {
    let (declarations, constraints) = declared();
    if let Some(cell) = Cell::named(&declarations, &constraints, name) {
        return Ok(cell);
    }
    matrix().map_err(Failure::of)?;
    Err(Failure::new(format!("there is no cell {name:?}; run `testkit generate`")))
}

fn declared() -> (Vec<Declaration>, Vec<Constraint>) {
    let declarations = OPTIONS.iter().map(|option| option.declaration()).collect();
    let constraints = OPTIONS.iter().flat_map(|option| option.constraints().into_iter().chain(of_microcloud(*option)));
    (declarations, constraints.collect())
}

/// What MicroCloud does not ask has its default where MicroCloud forms the cluster.
fn of_microcloud(option: &dyn InitOption) -> Option<Constraint> {
    let Declaration { name, values, .. } = option.declaration();
    let told = match option.by_microcloud() {
        [] => values.get(..1)?,
        told => told,
    };
    let why = "MicroCloud asks for nothing of the kind, and passes none on to MicroOVN";
    (told.len() < values.len() && name != "formation")
        .then(|| Constraint::new(why).when("formation", MICROCLOUD).then(name, told))
}

/// Whether MicroCloud forms the cluster of this cell.
pub(crate) fn is_microclouds(cell: &Cell) -> bool {
    MICROCLOUD.contains(&cell.value("formation"))
}

/// The core tier of `matrix`.
///
/// # Errors
/// When the matrix has no such choices, or its constraints forbid one.
pub fn core(matrix: &Matrix) -> Result<Vec<Cell>, MatrixError> {
    CORE.iter().map(|chosen| matrix.cell(chosen)).collect()
}

#[cfg(test)]
mod tests;
