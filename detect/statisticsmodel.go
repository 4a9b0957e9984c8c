package detect

import (
	"math"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"
)

// scorer is a principal component analysis of the standardised statistics.
//
// A vector x becomes z = (x - mean) / dev. The components are the eigenvectors of the correlation
// matrix whose eigenvalues make up nine tenths of its trace. With t = z along a component and l
// its eigenvalue,
//
//	T² = Σ t²/l    of the components: how far x is within what varies together
//	Q  = |z|² - Σ t²: how far it is from that
//
// Limits: T² by the F distribution (Hotelling), Q by Jackson and Mudholkar (Technometrics 21, 1979, 341–349).
type scorer struct {
	n         float64
	mean, dev [numStatistics]float64
	axes      [][numStatistics]float64
	values    []float64  // eigenvalues of axes
	theta     [3]float64 // sums of the other eigenvalues' powers 1, 2, 3
	known     []limit    // those that were asked for
}

// limit is what one vector in 1/alpha of those learned passes.
type limit struct{ alpha, t2, q float64 }

// explained is the share of the variance that the components take.
const explained = 0.9

// newScorer makes the scorer of moments of at least two vectors.
func newScorer(m *moments) *scorer {
	s := &scorer{n: float64(max(m.n, 2))}
	n := s.n
	for i := range m.sum {
		s.mean[i] = float64(m.sum[i]) / n
		square := float64(m.cross[i*(i+1)/2+i]) / n
		s.dev[i] = max(math.Sqrt(max(square-s.mean[i]*s.mean[i], 0)), statistics[i].scale.least())
	}
	r := mat.NewSymDense(numStatistics, nil)
	trace := 0.
	for i := range numStatistics {
		for j := 0; j <= i; j++ {
			c := (float64(m.cross[i*(i+1)/2+j])/n - s.mean[i]*s.mean[j]) / (s.dev[i] * s.dev[j])
			if i == j {
				c = max(c, 0)
				trace += c
			}
			r.SetSym(i, j, c)
		}
	}
	var e mat.EigenSym
	if trace <= 0 || !e.Factorize(r, true) {
		return s // nothing varies: Q alone judges
	}
	values := e.Values(nil) // ascending
	var vectors mat.Dense
	e.VectorsTo(&vectors)
	sum := 0.
	for k := numStatistics - 1; k >= 0; k-- {
		l := max(values[k], 0)
		if sum < explained*trace && l > 1e-6*trace && float64(len(s.axes)+1) < n {
			var axis [numStatistics]float64
			for i := range axis {
				axis[i] = vectors.At(i, k)
			}
			s.axes, s.values = append(s.axes, axis), append(s.values, l)
		} else {
			s.theta[0] += l
			s.theta[1] += l * l
			s.theta[2] += l * l * l
		}
		sum += l
	}
	return s
}

// score gives T² and Q of a vector.
func (s *scorer) score(v *vector) (t2, q float64) {
	var z [numStatistics]float64
	for i := range v {
		z[i] = (float64(v[i]) - s.mean[i]) / s.dev[i]
		q += z[i] * z[i]
	}
	for k := range s.axes {
		t := 0.
		for i, a := range s.axes[k] {
			t += a * z[i]
		}
		t2 += t * t / s.values[k]
		q -= t * t
	}
	return t2, max(q, 0)
}

// leastQ is the least limit of Q: three of the least deviations.
const leastQ = 9

// limits of T² and Q for an alpha; they are worked out once.
func (s *scorer) limits(alpha float64) (t2, q float64) {
	for _, l := range s.known {
		if l.alpha == alpha {
			return l.t2, l.q
		}
	}
	if a := float64(len(s.axes)); a > 0 && s.n > a {
		t2 = a * (s.n*s.n - 1) / (s.n * (s.n - a)) * distuv.F{D1: a, D2: s.n - a}.Quantile(1-alpha)
	}
	if t := s.theta; t[0] > 0 && t[1] > 0 {
		h := 1 - 2*t[0]*t[2]/(3*t[1]*t[1])
		if h < 0.001 {
			h = 0.001
		}
		c := distuv.UnitNormal.Quantile(1 - alpha)
		x := c*math.Sqrt(2*t[1]*h*h)/t[0] + 1 + t[1]*h*(h-1)/(t[0]*t[0])
		if x > 0 {
			q = t[0] * math.Pow(x, 1/h)
		}
	}
	q = max(q, leastQ)
	s.known = append(s.known, limit{alpha, t2, q})
	return t2, q
}
