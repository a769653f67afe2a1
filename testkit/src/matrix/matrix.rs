//! stub
use super::*;
use std::fmt; use std::str::FromStr;
#[derive(Debug,Clone)]
pub struct Matrix { declarations: Vec<Declaration>, constraints: Vec<Constraint> }
#[derive(Debug,Clone,Copy,PartialEq,Eq,PartialOrd,Ord)]
pub enum Tier { Core, Pairwise, T3, Full }
impl Tier { pub const ALL: [Self;4]=[Self::Core,Self::Pairwise,Self::T3,Self::Full]; }
impl fmt::Display for Tier { fn fmt(&self,f:&mut fmt::Formatter<'_>)->fmt::Result{ f.write_str(match self{Self::Core=>"core",Self::Pairwise=>"pairwise",Self::T3=>"t3",Self::Full=>"full"}) } }
impl FromStr for Tier { type Err=String; fn from_str(t:&str)->Result<Self,String>{ Self::ALL.into_iter().find(|x|x.to_string()==t).ok_or_else(||format!("{t:?} is no tier")) } }
impl Matrix {
    pub fn new(declarations: Vec<Declaration>, constraints: Vec<Constraint>) -> Result<Self, MatrixError> { Ok(Self{declarations,constraints}) }
    pub fn declarations(&self)->&[Declaration]{&self.declarations}
    pub fn cell(&self, chosen:&[(&str,&str)])->Result<Cell,MatrixError>{ Cell::new(&self.declarations, chosen) }
    pub fn cells(&self)->Vec<Cell>{
        let mut rows: Vec<Vec<(&str,&str)>> = vec![vec![]];
        for d in &self.declarations { rows = rows.iter().flat_map(|r| d.values.iter().map(move |v|{let mut r=r.clone(); r.push((d.name,*v)); r})).collect(); }
        rows.iter().map(|r|Cell::new(&self.declarations,r).expect("x")).filter(|c| self.constraints.iter().all(|k| !k.when.iter().all(|t|t.values.contains(&c.value(t.option))) || k.then.iter().all(|t|t.values.contains(&c.value(t.option))))).collect()
    }
    pub fn find_cell(&self,id:&str)->Option<Cell>{ self.cells().into_iter().find(|c|c.id().as_str()==id) }
    pub fn select(&self,tier:Tier,core:&[Cell])->Vec<Cell>{ match tier{Tier::Full=>self.cells(),_=>core.to_vec()} }
}
