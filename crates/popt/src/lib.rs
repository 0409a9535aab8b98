//! The command line grammar of popt: option tables in, ordered options out.
