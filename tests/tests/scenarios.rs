//! Every file below `scenarios/` is a test, by the macro that users of the library have: found when the tests run, each
//! on a cluster of its own unless it shares one.

rollcall::scenarios!("../scenarios/**/*.yaml");
