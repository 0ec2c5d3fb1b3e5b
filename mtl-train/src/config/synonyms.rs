//! What other programs call our settings: the names that people bring along.
//!
//! Only names that are no key of ours stand here, or such as mean something else elsewhere than with us; a key of ours in
//! the wrong section is found by the schema ([`elsewhere`](super::elsewhere)). Upper case, `_` and `-` do not count.

/// Where a setting is to be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// A key, by path, and an example of its value.
    Key(&'static str, &'static str),
    /// A key of a task, and an example of its value.
    OfTask(&'static str, &'static str),
    /// No key, but this.
    Words(&'static str),
}

use Meaning::{Key, OfTask, Words};

/// Names, and what each of them means here.
pub(super) const SYNONYMS: &[(&[&str], Meaning)] = &[
    // training
    (&["lr", "learning_rate", "base_lr", "initial_lr", "max_lr", "eta"], Key("train.optimizer.lr", "1e-3")),
    (&["weight_decay", "wd", "l2", "l2_reg", "l2_penalty", "reg_lambda"], Key("train.optimizer.weight_decay", "0.01")),
    (&["optim", "optimiser", "optimizer_name", "solver"], Key("train.optimizer.kind", "\"adamw\"")),
    (&["max_epochs", "num_epochs", "n_epochs", "nb_epochs", "epoch", "num_train_epochs"], Key("train.epochs", "10")),
    (
        &[
            "max_steps",
            "num_steps",
            "train_steps",
            "num_train_steps",
            "total_steps",
            "iterations",
            "n_iter",
            "max_iter",
            "n_iterations",
        ],
        Key("train.steps", "10000"),
    ),
    (&["max_time", "time_limit", "time_limit_s", "time_budget", "timeout"], Key("train.time", "\"2m\"")),
    (
        &[
            "eval_steps",
            "eval_every",
            "eval_interval",
            "val_every",
            "val_interval",
            "val_check_interval",
            "check_val_every_n_epoch",
            "validation_steps",
            "evaluation_strategy",
            "eval_strategy",
            "validation_freq",
        ],
        Words("write validate_every = { steps = 500 } in [train], or { epochs = 2 }"),
    ),
    (
        &["bs", "batch", "minibatch", "mini_batch_size", "train_batch_size", "per_device_train_batch_size"],
        Key("train.batch_size", "256"),
    ),
    (
        &["val_batch_size", "test_batch_size", "per_device_eval_batch_size", "valid_batch_size"],
        Key("train.eval_batch_size", "4096"),
    ),
    (
        &["early_stopping", "early_stop", "early_stopping_patience", "early_stopping_rounds", "n_iter_no_change"],
        Key("train.patience", "5"),
    ),
    (
        &[
            "gradient_accumulation_steps",
            "accumulate_grad_batches",
            "grad_accum",
            "accumulation_steps",
            "grad_acc_steps",
        ],
        Key("train.accumulate", "4"),
    ),
    (
        &[
            "grad_clip",
            "clip",
            "max_grad_norm",
            "gradient_clip_val",
            "clip_grad_norm",
            "gradient_clipping",
            "clip_grad",
            "clip_value",
        ],
        Key("train.clip_norm", "1.0"),
    ),
    (
        &["lr_scheduler", "scheduler", "lr_schedule", "lr_scheduler_type", "lr_policy"],
        Key("train.schedule.kind", "\"cosine\""),
    ),
    (
        &["warmup", "num_warmup_steps", "warmup_epochs", "warmup_ratio", "n_warmup_steps"],
        Key("train.schedule.warmup_steps", "100"),
    ),
    (
        &["monitor", "metric_for_best_model", "early_stopping_metric", "best_metric", "checkpoint_metric", "score"],
        Key("train.selection", "\"0.5*TASK.METRIC + 0.5*TASK.METRIC\""),
    ),
    (&["amp", "fp16", "bf16", "mixed_precision", "use_amp", "half", "dtype"], Key("train.precision", "\"bf16\"")),
    (
        &["num_workers", "n_workers", "dataloader_workers", "dataloader_num_workers", "loader_workers"],
        Key("train.workers", "1"),
    ),
    (&["random_seed", "random_state", "manual_seed", "rng_seed"], Key("train.seed", "0")),
    (
        &["save_every", "save_steps", "checkpoint_interval", "save_interval", "ckpt_every"],
        Key("train.checkpoint_every", "500"),
    ),
    (&["ema_decay", "polyak", "model_ema"], Key("train.ema.decay", "0.999")),
    (&["overfit", "overfit_one_batch", "limit_train_batches"], Key("train.overfit_batches", "1")),
    (&["shuffle"], Words("training batches are always shuffled, by train.seed; validation and test never are")),
    // where it runs, what it writes
    (
        &["gpu", "gpus", "cuda", "accelerator", "use_cuda", "use_gpu", "devices", "device_id", "gpu_id", "cpu"],
        Key("device.kind", "\"cuda\""),
    ),
    (&["n_ranks", "world_size", "nproc_per_node", "data_parallel"], Key("device.ranks", "2")),
    (&["n_threads", "num_threads", "n_jobs", "cpu_threads", "nproc"], Key("device.threads", "2")),
    (&["cudnn_deterministic", "reproducible", "use_deterministic_algorithms"], Key("device.deterministic", "true")),
    (
        &["log_interval", "log_every_n_steps", "logging_steps", "print_freq", "log_freq", "log_steps"],
        Key("log.every", "10"),
    ),
    (&["logger", "logging", "use_tensorboard", "tensorboard_dir"], Key("log.tensorboard", "true")),
    (
        &[
            "output_dir",
            "save_dir",
            "out_dir",
            "log_dir",
            "checkpoint_dir",
            "run_dir",
            "results_dir",
            "save_path",
            "work_dir",
            "output",
            "run_name",
            "experiment",
            "experiment_name",
            "exp_name",
        ],
        Words("the run's folder is not in the file: mtl train CONFIG --run-dir FOLDER"),
    ),
    (
        &["resume", "resume_from", "resume_from_checkpoint", "checkpoint", "ckpt", "ckpt_path"],
        Words("a run goes on by a flag: mtl train CONFIG --resume"),
    ),
    (
        &["verbose", "verbosity", "progress_bar", "silent", "quiet"],
        Words("progress goes to the standard error: 2> /dev/null for none"),
    ),
    // model
    (
        &["model", "backbone", "trunk", "base_model", "feature_extractor", "shared_layers"],
        Key("encoder.kind", "\"tabular\""),
    ),
    (
        &[
            "hidden_size",
            "hidden_sizes",
            "hidden_dim",
            "hidden_dims",
            "hidden_units",
            "hidden_layers",
            "hidden_layer_sizes",
            "layers",
            "num_layers",
            "n_layers",
            "layer_sizes",
            "units",
            "mlp_dims",
            "width",
        ],
        Key("encoder.hidden", "[128, 64]"),
    ),
    (&["dropout_rate", "drop", "p_dropout", "drop_rate", "dropout_p", "dropout"], Key("encoder.dropout", "0.1")),
    (
        &["embedding_dim", "embed_dim", "emb_dim", "embedding_size", "emb_size", "d_embed"],
        Key("encoder.token_width", "8"),
    ),
    (&["act", "nonlinearity", "activation_fn", "activation_function"], Key("encoder.activation", "\"relu\"")),
    (
        &["architecture", "arch", "mtl_architecture", "sharing_type", "parameter_sharing"],
        Key("sharing.kind", "\"hard\""),
    ),
    (&["num_experts", "n_experts", "n_expert", "expert_num", "num_expert"], Key("sharing.experts", "4")),
    // tasks
    (&["loss_weights", "task_weights", "loss_weight", "task_weight", "lambdas", "loss_coefs"], OfTask("weight", "2.0")),
    (
        &[
            "weighting",
            "mtl_method",
            "method",
            "balancing",
            "loss_balancing",
            "gradient_balancing",
            "mtl",
            "aggregator",
            "moo",
            "weight_method",
        ],
        Key("balancer.kind", "\"equal\""),
    ),
    (&["metric", "eval_metric", "evaluation_metric", "primary_metric"], OfTask("primary", "\"auroc\"")),
    (&["metrics", "eval_metrics", "extra_metrics"], OfTask("metrics", "[\"ece@bins=10\"]")),
    (
        &["loss", "losses", "criterion", "loss_fn", "objective", "loss_function", "heads"],
        OfTask("head", "{ kind = \"class\" }"),
    ),
    (&["tasks", "task_names"], OfTask("weight", "1.0")),
    // data
    (
        &[
            "val_split",
            "validation_split",
            "val_size",
            "validation_size",
            "val_fraction",
            "valid_size",
            "val_ratio",
            "valid_split",
            "validation_ratio",
            "dev_size",
        ],
        Key("data.validation_fraction", "0.1"),
    ),
    (&["test_split", "test_size", "test_ratio"], Key("data.test_fraction", "0.1")),
    (
        &[
            "train_file",
            "train_path",
            "train_data",
            "train_csv",
            "data_path",
            "data_file",
            "dataset_path",
            "path",
            "file",
            "filename",
            "csv_path",
            "input_file",
            "training_data",
        ],
        Key("data.train", "\"train.csv\""),
    ),
    (
        &["val_file", "validation_file", "val_path", "val_data", "valid_file", "dev_file"],
        Key("data.validation", "\"validation.csv\""),
    ),
    (&["test_file", "test_path", "test_data", "test_csv"], Key("data.test", "\"test.csv\"")),
    (&["data_dir", "root", "data_root", "dataset_dir", "folder"], Key("data.dir", "\"FOLDER\"")),
    (&["dataset", "dataset_name"], Key("data.kind", "\"csv\"")),
    (&["sep", "separator", "delim", "field_separator"], Key("data.format.delimiter", "\";\"")),
    (&["na_values", "null_values", "missing_values", "nan_values"], Key("data.schema.missing", "[\"\", \"NA\"]")),
    (
        &[
            "target",
            "targets",
            "label",
            "labels",
            "target_column",
            "label_column",
            "target_columns",
            "label_columns",
            "y",
            "outputs",
        ],
        Key("data.schema.columns", "[{ name = \"COLUMN\", kind = \"label\", label = \"class\" }]"),
    ),
    (
        &[
            "features",
            "feature_columns",
            "inputs",
            "numeric_columns",
            "numerical_columns",
            "numeric_features",
            "numerical_features",
            "continuous",
        ],
        Key("data.schema.columns", "[{ name = \"COLUMN\", kind = \"numeric\" }]"),
    ),
    (
        &["categorical_columns", "categorical_features", "cat_features", "cat_cols", "categoricals"],
        Key("data.schema.columns", "[{ name = \"COLUMN\", kind = \"categorical\" }]"),
    ),
];
