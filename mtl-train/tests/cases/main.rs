//! What people's data and settings did to the program, a case a file: each carries the inputs that failed once, more of
//! the same kind, and the right values.
#![allow(clippy::unwrap_used, clippy::panic, clippy::float_cmp, reason = "tests; exact values on purpose")]

mod c01_rare_class;
mod c02_decimal_grades;
mod c03_one_or_one_point_zero;
mod c04_milliseconds;
mod c05_regression_units;
mod c06_changed_data;
mod c07_one_sided;
mod c08_mixed_spellings;
mod c09_ignored_column;
mod c10_closed_pipe;
mod c11_one_class;
mod c12_label_names;
mod c13_column_twice;
mod c14_solved_task;
mod c15_batch_of_one;
mod c16_metric_domain;
mod c17_file_kinds;
mod c18_set_a_key;
mod c19_grades;
mod c20_funnel;
mod c21_restore;
mod c22_texts;
mod c23_weights;
mod c24_groups;
mod c25_fusion;
mod c26_stream;
mod c27_init;
mod c28_distributions;
mod c29_ensemble;
mod c30_uneven;
mod run;
