#![allow(warnings)]
use mtl_attention::*;
use mtl_core::{batch::Inputs, context::Cx, encode::*, features::*, metric::MetricId, mode::Mode, nn::*, params::*, share::*, shim, task::*};
use std::time::Instant;
use tch::{Device, Kind, Tensor};
fn raw(p: &str, kind: Kind, shape: &[i64]) -> Tensor {
    let b = std::fs::read(format!("/tmp/gold/{p}.bin")).unwrap();
    Tensor::from_data_size(&b, shape, kind)
}
fn auc(s: &Tensor, y: &Tensor) -> f64 {
    let s = Vec::<f64>::try_from(s.to_kind(Kind::Double)).unwrap();
    let y = Vec::<f64>::try_from(y.to_kind(Kind::Double)).unwrap();
    let mut i: Vec<usize> = (0..s.len()).collect();
    i.sort_by(|&a, &b| s[a].total_cmp(&s[b]));
    let (mut r, mut k) = (0.0, 0);
    let (mut pos, n) = (0.0, s.len());
    while k < n {
        let mut e = k;
        while e < n && s[i[e]] == s[i[k]] { e += 1; }
        let rank = (k + e + 1) as f64 / 2.0;
        for j in k..e { if y[i[j]] > 0.5 { r += rank; pos += 1.0; } }
        k = e;
    }
    (r - pos * (pos + 1.0) / 2.0) / (pos * (n as f64 - pos))
}
fn main() {
    shim::init();
    let a: Vec<String> = std::env::args().collect();
    let get = |k: &str, d: &str| a.iter().find_map(|s| s.strip_prefix(&format!("{k}="))).unwrap_or(d).to_string();
    let num = |k: &str, d: &str| get(k, d).parse::<f64>().unwrap();
    let meta: serde_json::Value = serde_json::from_str(&std::fs::read_to_string("/tmp/gold/census.json").unwrap()).unwrap();
    let card: Vec<i64> = meta["card"].as_array().unwrap().iter().map(|v| v.as_i64().unwrap()).collect();
    let (n, nt, f, k) = (meta["n"].as_i64().unwrap(), meta["nt"].as_i64().unwrap(), card.len() as i64, 7);
    let (c, x, y) = (raw("train_c", Kind::Int64, &[n, f]), raw("train_x", Kind::Float, &[n, k]), raw("train_y", Kind::Float, &[n, 2]));
    let (ct, xt, yt) = (raw("test_c", Kind::Int64, &[nt, f]), raw("test_x", Kind::Float, &[nt, k]), raw("test_y", Kind::Float, &[nt, 2]));
    let spec = InputSpec { categorical: card.iter().enumerate().map(|(i, &c)| CategoricalField { name: format!("c{i}"), cardinality: c }).collect(), numeric: (0..7).map(|i| format!("n{i}")).collect(), image: None };
    let tasks = TaskSet::new(vec![Task::new("income", MetricId::Auroc).unwrap(), Task::new("never", MetricId::Auroc).unwrap()]).unwrap();
    let seed = num("seed", "1") as u64;
    let mut params = ParamSet::new(Kind::Float, Device::Cpu, seed);
    let model = get("model", "tq");
    let drop = num("dropout", "0");
    let hid: Vec<i64> = if model == "mlp" { vec![128, 64] } else { vec![] };
    let mut root = params.root();
    let enc = EncoderConfig::Tabular(TabularEncoderConfig { token_width: num("tw", "8") as i64, hidden: hid, dropout: drop, ..Default::default() }).build(&mut root.sub("encoder"), &spec).unwrap();
    let cfg: TaskQueryConfig = toml::from_str(&get("cfg", "").replace(';', "\n")).unwrap();
    let sh: Box<dyn Sharing> = if model == "mlp" { Box::new(HardSharing::new(enc, 2).unwrap()) } else { Box::new(TaskQuerySharing::new(&mut root.sub("sharing"), enc, &tasks, &TaskQueryConfig { dropout: drop, ..cfg.clone() }).unwrap()) };
    let hh: Vec<i64> = get("hh", "32").split(',').filter(|s| !s.is_empty()).map(|s| s.parse().unwrap()).collect();
    let heads: Vec<(Mlp, Linear)> = (0..2).map(|t| {
        let mut p = root.sub(format!("head{t}"));
        let m = Mlp::new(&mut p.sub("h"), sh.views()[t].width(), &hh, Activation::Relu, Dropout::new(drop).unwrap()).unwrap();
        let l = Linear::new(&mut p.sub("o"), m.outputs(), 1).unwrap();
        (m, l)
    }).collect();
    let fwd = |c: &Tensor, x: &Tensor, cx: &Cx| -> Tensor {
        let i = Inputs::new(vec![("categorical".into(), c.shallow_clone()), ("numeric".into(), x.shallow_clone())]).unwrap();
        let s = sh.forward(&i, cx).unwrap();
        let o: Vec<Tensor> = s.per_task.iter().zip(&heads).map(|(f, (m, l))| l.forward(&m.forward(&f.pooled().unwrap(), cx).unwrap(), cx).unwrap()).collect();
        Tensor::cat(&o, 1)
    };
    let ps: Vec<&Tensor> = params.params().iter().map(|p| p.tensor()).collect();
    let (ma, va): (Vec<Tensor>, Vec<Tensor>) = ps.iter().map(|p| (p.zeros_like(), p.zeros_like())).unzip();
    let st: Vec<Tensor> = ps.iter().map(|_| Tensor::from_slice(&[0f32]).squeeze()).collect();
    let decay: Vec<bool> = params.params().iter().map(|p| p.decays()).collect();
    println!("params {} cfg {:?} tw {} hh {:?} drop {}", params.numel(), cfg, get("tw", "8"), hh, drop);
    let bs = num("bs", "1024") as i64;
    let epochs = num("epochs", "6") as i64;
    let ntr = n * 9 / 10;
    let steps = ntr / bs;
    let (lr0, wd) = (num("lr", "0.002"), num("wd", "0.01"));
    shim::manual_seed(seed);
    for e in 0..epochs {
        let t0 = Instant::now();
        let perm = Tensor::randperm(ntr, (Kind::Int64, Device::Cpu));
        let mut tl = 0.0;
        for s in 0..steps {
            let i = perm.narrow(0, s * bs, bs);
            let cx = Cx::new(Mode::Train);
            let o = fwd(&c.index_select(0, &i), &x.index_select(0, &i), &cx);
            let l = o.binary_cross_entropy_with_logits::<Tensor>(&y.index_select(0, &i), None, None, tch::Reduction::Mean) * 2.0;
            let g = shim::grad(&[&l], None, &ps, shim::Graph::Free).unwrap();
            let g: Vec<Tensor> = g.into_iter().zip(&ps).map(|(g, p)| g.unwrap_or_else(|| p.zeros_like())).collect();
            let fr = (e * steps + s) as f64 / (epochs * steps) as f64;
            let lr = lr0 * 0.5 * (1.0 + (std::f64::consts::PI * fr).cos());
            let gr: Vec<&Tensor> = g.iter().collect();
            let (m2, v2, s2): (Vec<&Tensor>, Vec<&Tensor>, Vec<&Tensor>) = (ma.iter().collect(), va.iter().collect(), st.iter().collect());
            { let _g = tch::no_grad_guard(); shim::fused_adamw(&ps, &gr, &m2, &v2, &s2, shim::AdamWStep { lr, beta1: 0.9, beta2: 0.999, weight_decay: wd, eps: 1e-8 }).unwrap(); }
            if s % 50 == 0 { tl += l.double_value(&[]); }
        }
        let t = t0.elapsed().as_secs_f64();
        let _g = tch::no_grad_guard();
        let cx = Cx::new(Mode::Eval);
        let ev = |c: &Tensor, x: &Tensor, y: &Tensor| {
            let n = c.size()[0];
            let o: Vec<Tensor> = (0..n).step_by(4096).map(|i| { let m = 4096.min(n - i); fwd(&c.narrow(0, i, m), &x.narrow(0, i, m), &cx) }).collect();
            let o = Tensor::cat(&o, 0);
            (auc(&o.select(1, 0), &y.select(1, 0)), auc(&o.select(1, 1), &y.select(1, 1)))
        };
        let v = ev(&c.narrow(0, ntr, n - ntr), &x.narrow(0, ntr, n - ntr), &y.narrow(0, ntr, n - ntr));
        let te = ev(&ct, &xt, &yt);
        println!("epoch {e} {t:.1}s loss {:.4} val {:.4} {:.4} test {:.4} {:.4}", tl / (steps as f64 / 50.0), v.0, v.1, te.0, te.1);
    }
}
