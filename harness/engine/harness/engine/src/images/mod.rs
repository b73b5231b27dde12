//! stub
use crate::{docker::Docker, error::Result};
/// s
#[derive(Debug,Clone)]
pub enum ImageSource { /// l
 Local(String) }
/// o
#[derive(Debug,Clone)]
pub struct PushOutcome { /// n
 pub name: String }
pub(crate) async fn push(_d:&Docker,_p:u16,_n:&str,_s:&ImageSource)->Result<PushOutcome>{ todo!() }
