//! What lvsd and its nannies write while nobody reads it.

use caribe_tests::fill;
use nix::fcntl::OFlag;
use nix::sys::signal::Signal;
use nix::unistd::pipe2;

use crate::director::*;

#[test]
fn a_stalled_reader_of_standard_output_holds_up_neither_lvsd_nor_its_nannies() {
    for form in ["process", "shared"] {
        let mut director = Director::new(&[1]);
        let (_reader, writer) = pipe2(OFlag::O_CLOEXEC).unwrap();
        fill(&writer).unwrap();
        let web = block("web", "192.0.2.1", "", &[&server(1)]);
        director.start_into(&format!("nannies = {form}\n{web}"), writer);
        director.wait_for_table(2);
        director.fell(1);
        director.wait_for_table(1);
        director.raise(1);
        director.wait_for_table(2);
        assert!(director.end(Signal::SIGTERM).success(), "{form}");
    }
}
