//! What the command line of `bench` takes and what it refuses.

use super::*;

fn words(line: &str) -> Vec<OsString> {
    line.split_whitespace().map(OsString::from).collect()
}

fn parse(line: &str) -> Result<CommandLine, clap::Error> {
    CommandLine::try_parse_from(words(line))
}

/// What is to be measured, on the host and in the guest the same.
fn measurement(line: &str) -> Measurement {
    let here = match parse(line).unwrap().command.unwrap() {
        BenchCommand::Measure(measurement) => measurement,
        other => panic!("{line}: {other:?}"),
    };
    let inside = match parse(&format!("guest {line}")).unwrap().command.unwrap() {
        BenchCommand::Guest { measurement } => measurement,
        other => panic!("guest {line}: {other:?}"),
    };
    assert_eq!(format!("{here:?}"), format!("{inside:?}"), "{line}");
    here
}

#[test]
fn clap_finds_nothing_wrong_with_the_command_line() {
    <CommandLine as clap::CommandFactory>::command().debug_assert();
}

#[test]
fn without_a_command_tables_are_measured() {
    let line = parse("--runs 5 --json x").unwrap();
    assert!(line.command.is_none());
    assert_eq!(line.tables.runs, 5);
    let Measurement::Tables(tables) = measurement("tables --runs 5 --json x") else {
        panic!("no tables");
    };
    assert_eq!(format!("{tables:?}"), format!("{:?}", line.tables));
    assert!(parse("").unwrap().command.is_none());
}

#[test]
fn the_candidate_is_the_one_beside_unless_given() {
    let own = Path::new("/x/bench");
    for (line, candidate) in [
        ("--runs 5", "/x/ipvsadm"),
        ("--candidate /y/ipvsadm", "/y/ipvsadm"),
    ] {
        let tables = parse(line).unwrap().tables;
        assert_eq!(tables.candidate(own), Path::new(candidate));
    }
}

#[test]
fn lists_are_read_with_commas_between() {
    let line = "failover --runs 10 --beats 1,0.1,default";
    let Measurement::Failover(failover) = measurement(line) else {
        panic!("{line}");
    };
    let all = [Beat::Every(1000), Beat::Every(100), Beat::Default];
    assert_eq!((failover.runs, failover.beats.as_slice()), (10, &all[..]));
    let line = "checks --servers 15000 --daemons shared,keepalived --timeout 4000";
    let Measurement::Checks(checks) = measurement(line) else {
        panic!("{line}");
    };
    assert_eq!(checks.servers, 15_000);
    assert_eq!(checks.daemons, [Subject::Shared, Subject::Keepalived]);
    assert_eq!(checks.common.timeout, 4000);
}

#[test]
fn what_is_not_said_has_its_default() {
    let (checks, failover) = match (measurement("checks"), measurement("failover")) {
        (Measurement::Checks(checks), Measurement::Failover(failover)) => (checks, failover),
        other => panic!("{other:?}"),
    };
    assert_eq!((checks.servers, checks.interval), (1000, 6));
    assert_eq!(checks.window, Duration::from_secs(30));
    assert_eq!(checks.daemons, checks::DAEMONS);
    let beats = failover.beats.iter().map(ToString::to_string);
    assert_eq!(beats.collect::<Vec<_>>(), ["1", "0.1", "0.01", "default"]);
    assert_eq!((failover.runs, failover.common.timeout), (3, 1200));
}

#[test]
fn what_is_not_understood_ends_with_status_2() {
    for (line, named) in [
        ("--runs", "'--runs <N>'"),
        ("--runs x", "'x'"),
        ("--runs 0", "'0'"),
        ("--fast yes", "'--fast'"),
        ("boxes", "'boxes'"),
        ("peak", "'peak'"),
        ("--runs 3 checks", "'checks'"),
        ("checks --runs 3", "'--runs'"),
        ("checks --servers 15001", "'15001'"),
        ("checks --interval 0", "'0'"),
        ("checks --window 0", "'0'"),
        ("checks --daemons pulse", "'pulse'"),
        ("checks --daemons shared,", "'--daemons <DAEMON,…>'"),
        ("failover --candidate x", "'--candidate'"),
        ("failover --beats 1,,2", "''"),
        ("failover --beats 0", "neither seconds"),
        ("guest", "Usage: bench guest"),
        ("completions cmd", "'cmd'"),
    ] {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        assert_eq!(run(&words(line), &mut out, &mut err), 2, "{line}");
        let err = String::from_utf8(err).unwrap();
        assert!(err.contains(named) && out.is_empty(), "{line}: {err}");
    }
}

#[test]
fn help_version_and_completions_are_output() {
    for line in [
        "--help",
        "-h",
        "help checks",
        "tables --help",
        "--version",
        "completions zsh",
    ] {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        assert_eq!(run(&words(line), &mut out, &mut err), 0, "{line}");
        assert!(String::from_utf8(out).unwrap().contains("bench"), "{line}");
        assert!(err.is_empty(), "{line}");
    }
}

#[test]
fn a_program_that_is_measured_keeps_its_options() {
    let file = std::env::temp_dir().join(format!("caribe-peak-{}", std::process::id()));
    let mut args = words("peak FILE sh -c true --help");
    args[1] = file.clone().into();
    assert_eq!(run(&args, &mut Vec::new(), &mut Vec::new()), 0);
    let kibibytes: u64 = std::fs::read_to_string(&file).unwrap().parse().unwrap();
    std::fs::remove_file(file).unwrap();
    assert!(kibibytes > 0);
}

#[test]
fn the_half_inside_measures_in_a_guest_alone() {
    // The program is missing: whatever goes wrong with the test, nothing is measured here.
    let line = words("guest tables --candidate /nonexistent/ipvsadm");
    let (mut out, mut err) = (Vec::new(), Vec::new());
    assert_eq!(run(&line, &mut out, &mut err), NO_MEASUREMENT);
    let said = String::from_utf8(err).unwrap();
    assert_eq!(said, "bench: guest: only the lab itself starts this\n");
}
